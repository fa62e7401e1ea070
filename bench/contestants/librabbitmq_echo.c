/*
 * librabbitmq at its fastest: one thread, two connections, frame by frame; confirmed messages are acknowledged in
 * batches. Any error ends the process.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <amqp.h>
#include <amqp_tcp_socket.h>

#define INPUT_QUEUE "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message"
#define OUTPUT_QUEUE "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message"
#define CHANNEL 1
#define MAX_FRAME_SIZE (128 * 1024)
#define MAX_IN_FLIGHT 65536 /* a power of two, and at least the largest prefetch */

static amqp_connection_state_t consumer, publisher;

/* Replies are numbered from 1, and so are the deliveries that they answer. */
static uint64_t settled;
static bool confirmed[MAX_IN_FLIGHT];

static void fail(const char *message)
{
    fprintf(stderr, "%s\n", message);
    exit(1);
}

static void check(int status, const char *operation)
{
    if (status < 0) {
        fprintf(stderr, "could not %s: %s\n", operation, amqp_error_string2(status));
        exit(1);
    }
}

static void check_reply(amqp_rpc_reply_t reply, const char *operation)
{
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
        fprintf(stderr, "could not %s\n", operation);
        exit(1);
    }
}

static const char *setting(const char *name, const char *default_value)
{
    const char *value = getenv(name);
    return value ? value : default_value;
}

static amqp_connection_state_t connect_to_broker(void)
{
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    int port = atoi(setting("RABBITMQ_PORT", "5672"));
    check(amqp_socket_open(socket, setting("RABBITMQ_HOST", "127.0.0.1"), port), "connect");
    check_reply(amqp_login(connection, setting("RABBITMQ_VHOST", "/"), 0, MAX_FRAME_SIZE, 0, AMQP_SASL_METHOD_PLAIN,
                           setting("RABBITMQ_USERNAME", "mov"), setting("RABBITMQ_PASSWORD", "password")),
                "log in");
    amqp_channel_open(connection, CHANNEL);
    check_reply(amqp_get_rpc_reply(connection), "open a channel");
    return connection;
}

/* Reads the next frame. Without `wait`, returns false if none has arrived. */
static bool read_frame(amqp_connection_state_t connection, amqp_frame_t *frame, bool wait)
{
    struct timeval no_time = {0, 0};
    amqp_maybe_release_buffers(connection);
    int status = amqp_simple_wait_frame_noblock(connection, frame, wait ? NULL : &no_time);
    if (status == AMQP_STATUS_TIMEOUT)
        return false;
    check(status, "read a frame");
    return true;
}

static void publish(amqp_bytes_t body)
{
    amqp_basic_properties_t properties;
    properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.content_type = amqp_cstring_bytes("application/json");
    properties.delivery_mode = 2;
    check(amqp_basic_publish(publisher, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes(OUTPUT_QUEUE), true, false,
                             &properties, body),
          "publish");
}

/* Reads the rest of the delivery that `frame` begins, and publishes its body. */
static void echo_delivery(amqp_frame_t *frame)
{
    static char *body;
    static size_t capacity;
    if (frame->frame_type != AMQP_FRAME_METHOD || frame->payload.method.id != AMQP_BASIC_DELIVER_METHOD)
        fail("the broker sent a frame that does not begin a delivery");
    read_frame(consumer, frame, true);
    size_t size = frame->payload.properties.body_size, received = 0;
    if (size > capacity) {
        capacity = size;
        body = realloc(body, capacity);
        if (!body)
            fail("out of memory");
    }
    while (received < size) {
        read_frame(consumer, frame, true);
        amqp_bytes_t part = frame->payload.body_fragment;
        /* A body in a single frame need not be copied. */
        if (part.len == size) {
            publish(part);
            return;
        }
        memcpy(body + received, part.bytes, part.len);
        received += part.len;
    }
    publish((amqp_bytes_t){size, body});
}

static void record_confirm(amqp_frame_t *frame)
{
    if (frame->frame_type != AMQP_FRAME_METHOD || frame->payload.method.id != AMQP_BASIC_ACK_METHOD)
        fail("the broker did not confirm a reply");
    amqp_basic_ack_t *ack = frame->payload.method.decoded;
    for (uint64_t tag = ack->multiple ? settled + 1 : ack->delivery_tag; tag <= ack->delivery_tag; tag++)
        confirmed[tag % MAX_IN_FLIGHT] = true;
}

/* Acknowledges the deliveries whose replies are confirmed without a gap. */
static void acknowledge_confirmed(void)
{
    uint64_t before = settled;
    while (confirmed[(settled + 1) % MAX_IN_FLIGHT])
        confirmed[++settled % MAX_IN_FLIGHT] = false;
    if (settled > before)
        check(amqp_basic_ack(consumer, CHANNEL, settled, true), "acknowledge");
}

int main(void)
{
    consumer = connect_to_broker();
    publisher = connect_to_broker();
    amqp_confirm_select(publisher, CHANNEL);
    check_reply(amqp_get_rpc_reply(publisher), "enable confirms");
    amqp_queue_declare(consumer, CHANNEL, amqp_cstring_bytes(INPUT_QUEUE), false, true, false, false, amqp_empty_table);
    check_reply(amqp_get_rpc_reply(consumer), "declare the input queue");
    amqp_basic_qos(consumer, CHANNEL, 0, (uint16_t)atoi(setting("RABBITMQ_PREFETCH", "1024")), false);
    check_reply(amqp_get_rpc_reply(consumer), "set the prefetch");
    amqp_basic_consume(consumer, CHANNEL, amqp_cstring_bytes(INPUT_QUEUE), amqp_empty_bytes, false, false, false,
                       amqp_empty_table);
    check_reply(amqp_get_rpc_reply(consumer), "consume");

    struct pollfd sockets[] = {{amqp_get_sockfd(consumer), POLLIN, 0}, {amqp_get_sockfd(publisher), POLLIN, 0}};
    amqp_frame_t frame;
    for (;;) {
        bool idle = true;
        while (read_frame(consumer, &frame, false)) {
            echo_delivery(&frame);
            idle = false;
        }
        while (read_frame(publisher, &frame, false)) {
            record_confirm(&frame);
            idle = false;
        }
        acknowledge_confirmed();
        if (idle && poll(sockets, 2, -1) < 0)
            fail("could not poll the sockets");
    }
}
