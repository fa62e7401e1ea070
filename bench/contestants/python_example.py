"""The behaviour of the platform's example in Python, written anew: for each publish a connection, for each echo two logs.

It acknowledges by itself, and confirms nothing: what it has in hand is lost when it ends.
"""

import json
import os

import pika

HEARD = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message"
SAID = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message"
LOG = "valawai/log/add"


def connect():
    """A connection, as for each single message."""
    credentials = pika.PlainCredentials(os.environ["RABBITMQ_USERNAME"], os.environ["RABBITMQ_PASSWORD"])
    parameters = pika.ConnectionParameters(
        host=os.environ["RABBITMQ_HOST"],
        port=int(os.environ["RABBITMQ_PORT"]),
        virtual_host=os.environ["RABBITMQ_VHOST"],
        credentials=credentials,
    )
    return pika.BlockingConnection(parameters)


def publish(queue, message):
    """Sends one message, by a connection of its own."""
    connection = connect()
    channel = connection.channel()
    properties = pika.BasicProperties(content_type="application/json")
    channel.basic_publish(exchange="", routing_key=queue, body=json.dumps(message), properties=properties)
    connection.close()


def log(message, payload):
    """Tells the MOV."""
    publish(LOG, {"level": "INFO", "message": message, "payload": json.dumps(payload)})


def echo(_channel, _method, _properties, body):
    """Says back what is heard."""
    heard = json.loads(body)
    log("Received a message to echo", heard)
    said = {"content": heard["content"]}
    publish(SAID, said)
    log("Sent Echoed message", said)


def main():
    """Echoes until it is ended."""
    channel = connect().channel()
    channel.queue_declare(queue=HEARD, durable=True)
    channel.basic_consume(queue=HEARD, on_message_callback=echo, auto_ack=True)
    channel.start_consuming()


if __name__ == "__main__":
    main()
