"""A reimplementation of the platform's Python example: each publish opens a connection, each echo publishes two logs.

It consumes with automatic acknowledgement and without confirms: messages in flight are lost when the process ends.
"""

import json
import os

import pika

INPUT_QUEUE = "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message"
OUTPUT_QUEUE = "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message"
LOG_QUEUE = "valawai/log/add"


def connect():
    """Open a connection to the broker."""
    credentials = pika.PlainCredentials(os.environ["RABBITMQ_USERNAME"], os.environ["RABBITMQ_PASSWORD"])
    parameters = pika.ConnectionParameters(
        host=os.environ["RABBITMQ_HOST"],
        port=int(os.environ["RABBITMQ_PORT"]),
        virtual_host=os.environ["RABBITMQ_VHOST"],
        credentials=credentials,
    )
    return pika.BlockingConnection(parameters)


def publish(queue, message):
    """Publish one message on a connection of its own."""
    connection = connect()
    channel = connection.channel()
    properties = pika.BasicProperties(content_type="application/json")
    channel.basic_publish(exchange="", routing_key=queue, body=json.dumps(message), properties=properties)
    connection.close()


def log(message, payload):
    """Publish a log message to the MOV."""
    publish(LOG_QUEUE, {"level": "INFO", "message": message, "payload": json.dumps(payload)})


def echo(_channel, _method, _properties, body):
    """Publish the content of a delivery."""
    message = json.loads(body)
    log("Received a message to echo", message)
    reply = {"content": message["content"]}
    publish(OUTPUT_QUEUE, reply)
    log("Sent Echoed message", reply)


def main():
    """Echo messages until the process is stopped."""
    channel = connect().channel()
    channel.queue_declare(queue=INPUT_QUEUE, durable=True)
    channel.basic_consume(queue=INPUT_QUEUE, on_message_callback=echo, auto_ack=True)
    channel.start_consuming()


if __name__ == "__main__":
    main()
