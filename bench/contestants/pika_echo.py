"""pika, as its own examples use it: each answer waits for its confirm; or, with --auto-ack, for nothing at all."""

import os
import sys

import pika

HEARD = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message"
SAID = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message"

AUTO_ACK = "--auto-ack" in sys.argv
PROPERTIES = pika.BasicProperties(content_type="application/json", delivery_mode=2)


def connect():
    """A channel on a connection of its own."""
    credentials = pika.PlainCredentials(os.environ["RABBITMQ_USERNAME"], os.environ["RABBITMQ_PASSWORD"])
    parameters = pika.ConnectionParameters(
        host=os.environ["RABBITMQ_HOST"],
        port=int(os.environ["RABBITMQ_PORT"]),
        virtual_host=os.environ["RABBITMQ_VHOST"],
        credentials=credentials,
    )
    return pika.BlockingConnection(parameters).channel()


def main():
    """Echoes until it is ended."""
    channel = connect()
    channel.queue_declare(queue=HEARD, durable=True)
    channel.basic_qos(prefetch_count=int(os.environ.get("RABBITMQ_PREFETCH", "1024")))
    if not AUTO_ACK:
        channel.confirm_delivery()

    def echo(_channel, method, _properties, body):
        channel.basic_publish(exchange="", routing_key=SAID, body=body, properties=PROPERTIES, mandatory=not AUTO_ACK)
        if not AUTO_ACK:
            channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue=HEARD, on_message_callback=echo, auto_ack=AUTO_ACK)
    channel.start_consuming()


if __name__ == "__main__":
    main()
