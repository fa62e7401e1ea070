/*
 * librabbitmq, as quick as it goes: one thread, two connections, frame by frame, and what is confirmed without a gap
 * is acknowledged in one go. Any trouble ends it.
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

#define HEARD "valawai/c1/echo_example_with_rust_and_amiquip/data/received_message"
#define SAID "valawai/c1/echo_example_with_rust_and_amiquip/data/publish_message"
#define CHANNEL 1
#define LARGEST_FRAME (128 * 1024)
#define MOST_OPEN 65536 /* a power of two, and no less than any prefetch */

static amqp_connection_state_t hearing, saying;

/* Answers are numbered from 1, as are the messages that they answer. */
static uint64_t settled;
static bool confirmed[MOST_OPEN];

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void check(int status, const char *what)
{
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, amqp_error_string2(status));
        exit(1);
    }
}

static void check_reply(amqp_connection_state_t connection, const char *what)
{
    if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL)
        fail(what);
}

static const char *told(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value ? value : otherwise;
}

static amqp_connection_state_t connect_to_broker(void)
{
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    int port = atoi(told("RABBITMQ_PORT", "5672"));
    check(amqp_socket_open(socket, told("RABBITMQ_HOST", "127.0.0.1"), port), "connect");
    amqp_rpc_reply_t reply =
        amqp_login(connection, told("RABBITMQ_VHOST", "/"), 0, LARGEST_FRAME, 0, AMQP_SASL_METHOD_PLAIN,
                   told("RABBITMQ_USERNAME", "mov"), told("RABBITMQ_PASSWORD", "password"));
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        fail("log in");
    amqp_channel_open(connection, CHANNEL);
    check_reply(connection, "open a channel");
    return connection;
}

/* Takes the next frame; false when there is none now. */
static bool take(amqp_connection_state_t connection, amqp_frame_t *frame, bool wait)
{
    struct timeval now = {0, 0};
    amqp_maybe_release_buffers(connection);
    int status = amqp_simple_wait_frame_noblock(connection, frame, wait ? NULL : &now);
    if (status == AMQP_STATUS_TIMEOUT)
        return false;
    check(status, "wait for a frame");
    return true;
}

static void say(amqp_bytes_t body)
{
    amqp_basic_properties_t properties;
    properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.content_type = amqp_cstring_bytes("application/json");
    properties.delivery_mode = 2;
    check(amqp_basic_publish(saying, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes(SAID), true, false, &properties, body),
          "publish");
}

/* Hears the message that the frame begins, and says it back. */
static void hear(amqp_frame_t *frame)
{
    static char *body;
    static size_t capacity;
    if (frame->frame_type != AMQP_FRAME_METHOD || frame->payload.method.id != AMQP_BASIC_DELIVER_METHOD)
        fail("the broker sent something else than a message");
    take(hearing, frame, true);
    size_t size = frame->payload.properties.body_size, received = 0;
    if (size > capacity) {
        capacity = size;
        body = realloc(body, capacity);
        if (!body)
            fail("no memory");
    }
    while (received < size) {
        take(hearing, frame, true);
        amqp_bytes_t part = frame->payload.body_fragment;
        /* A body in one frame need not be copied. */
        if (part.len == size) {
            say(part);
            return;
        }
        memcpy(body + received, part.bytes, part.len);
        received += part.len;
    }
    say((amqp_bytes_t){size, body});
}

static void confirm(amqp_frame_t *frame)
{
    if (frame->frame_type != AMQP_FRAME_METHOD || frame->payload.method.id != AMQP_BASIC_ACK_METHOD)
        fail("an answer was not taken");
    amqp_basic_ack_t *ack = frame->payload.method.decoded;
    for (uint64_t tag = ack->multiple ? settled + 1 : ack->delivery_tag; tag <= ack->delivery_tag; tag++)
        confirmed[tag % MOST_OPEN] = true;
}

static void settle(void)
{
    uint64_t before = settled;
    while (confirmed[(settled + 1) % MOST_OPEN])
        confirmed[++settled % MOST_OPEN] = false;
    if (settled > before)
        check(amqp_basic_ack(hearing, CHANNEL, settled, true), "acknowledge");
}

int main(void)
{
    hearing = connect_to_broker();
    saying = connect_to_broker();
    amqp_confirm_select(saying, CHANNEL);
    check_reply(saying, "confirm what is published");
    amqp_queue_declare(hearing, CHANNEL, amqp_cstring_bytes(HEARD), false, true, false, false, amqp_empty_table);
    check_reply(hearing, "declare the queue");
    amqp_basic_qos(hearing, CHANNEL, 0, (uint16_t)atoi(told("RABBITMQ_PREFETCH", "1024")), false);
    check_reply(hearing, "set the prefetch");
    amqp_basic_consume(hearing, CHANNEL, amqp_cstring_bytes(HEARD), amqp_empty_bytes, false, false, false,
                       amqp_empty_table);
    check_reply(hearing, "consume");

    struct pollfd sockets[] = {{amqp_get_sockfd(hearing), POLLIN, 0}, {amqp_get_sockfd(saying), POLLIN, 0}};
    amqp_frame_t frame;
    for (;;) {
        bool idle = true;
        while (take(hearing, &frame, false)) {
            hear(&frame);
            idle = false;
        }
        while (take(saying, &frame, false)) {
            confirm(&frame);
            idle = false;
        }
        settle();
        if (idle && poll(sockets, 2, -1) < 0)
            fail("poll");
    }
}
