"""pika, used as in its own examples: each publish waits for its confirm.

With --auto-ack there are neither confirms nor acknowledgements, and messages in flight are lost when the process ends.
"""

import os
import sys

import pika

INPUT_QUEUE = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message"
OUTPUT_QUEUE = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message"

AUTO_ACK = "--auto-ack" in sys.argv
PROPERTIES = pika.BasicProperties(content_type="application/json", delivery_mode=2)


def open_channel():
    """Open a channel on a new connection."""
    credentials = pika.PlainCredentials(os.environ["RABBITMQ_USERNAME"], os.environ["RABBITMQ_PASSWORD"])
    parameters = pika.ConnectionParameters(
        host=os.environ["RABBITMQ_HOST"],
        port=int(os.environ["RABBITMQ_PORT"]),
        virtual_host=os.environ["RABBITMQ_VHOST"],
        credentials=credentials,
    )
    return pika.BlockingConnection(parameters).channel()


def main():
    """Echo messages until the process is stopped."""
    channel = open_channel()
    channel.queue_declare(queue=INPUT_QUEUE, durable=True)
    channel.basic_qos(prefetch_count=int(os.environ.get("RABBITMQ_PREFETCH", "1024")))
    if not AUTO_ACK:
        channel.confirm_delivery()

    def echo(_channel, method, _properties, body):
        channel.basic_publish(
            exchange="", routing_key=OUTPUT_QUEUE, body=body, properties=PROPERTIES, mandatory=not AUTO_ACK
        )
        if not AUTO_ACK:
            channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue=INPUT_QUEUE, on_message_callback=echo, auto_ack=AUTO_ACK)
    channel.start_consuming()


if __name__ == "__main__":
    main()
