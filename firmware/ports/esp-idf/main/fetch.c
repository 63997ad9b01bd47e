#include "fetch.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "esp_http_client.h"
#include "esp_log.h"
#include "esp_tls_errors.h"

#include "clock.h"
#include "event.h"

static const char TAG[] = "fetch";

#define REDIRECTS_MAX   3
#define LOCATION_MAX    256
#define TIMEOUT_MS      5000  /* of one call into the network: what a cancelled download costs */
#define ANSWER_MS       30000 /* from the request to the end of the head */
#define PIECE           2048
#define SEND_WAIT_MS    200
#define RETRY_AFTER_MAX 86400u
#define TASK_STACK      8192 /* the TLS handshake runs on it */
#define TASK_PRIORITY   4

/* What the heads of one download said. On the task's stack. */
struct job {
    struct fetch *f;
    unsigned number;
    uint32_t from;
    char etag[OTA_ETAG_MAX];
    char url[PROTO_URL_MAX + PROTO_SHA256_HEX];
    char location[LOCATION_MAX];
    struct ota_http_answer answer;
    esp_http_client_handle_t client;
};

static bool cancelled(const struct job *j)
{
    return atomic_load(&j->f->number) != j->number;
}

static void wake(struct fetch *f)
{
    const struct board_event event = { .kind = BOARD_WAKE };
    if (uxQueueMessagesWaiting(f->events) == 0)
        (void)xQueueSend(f->events, &event, 0);
}

static void say(const struct job *j, enum fetch_phase phase, enum reason why)
{
    struct fetch *f = j->f;
    xSemaphoreTake(f->lock, portMAX_DELAY);
    if (!cancelled(j)) {
        f->answered = j->number;
        f->phase = phase;
        f->answer = j->answer;
        f->why = why;
    }
    xSemaphoreGive(f->lock);
    wake(f);
}

/* ---- the head ------------------------------------------------------------------------------- */

/* Digits at `*p`; false for none or too many. */
static bool number_at(const char **p, uint32_t *out)
{
    uint64_t n = 0;
    const char *q = *p;
    while (*q >= '0' && *q <= '9' && n <= UINT32_MAX)
        n = n * 10 + (uint64_t)(*q++ - '0');
    if (q == *p || n > UINT32_MAX)
        return false;
    *p = q;
    *out = (uint32_t)n;
    return true;
}

/* "bytes from-to/total" */
static void take_range(struct ota_http_answer *a, const char *value)
{
    uint32_t from, to, total;
    if (strncmp(value, "bytes ", 6) != 0)
        return;
    value += 6;
    if (!number_at(&value, &from) || *value++ != '-' || !number_at(&value, &to) ||
        *value++ != '/' || !number_at(&value, &total) || *value != '\0' || from > to || to >= total)
        return;
    a->from = from;
    a->total = total;
    a->has_total = true;
}

static void take_retry(struct ota_http_answer *a, const char *value)
{
    uint32_t s;
    /* A date is left out: the agent's own back-off does as well. */
    if (number_at(&value, &s) && *value == '\0')
        a->retry_after_s = s < RETRY_AFTER_MAX ? s : RETRY_AFTER_MAX;
}

static esp_err_t on_http(esp_http_client_event_t *event)
{
    struct job *j = event->user_data;
    if (event->event_id != HTTP_EVENT_ON_HEADER || !event->header_key || !event->header_value)
        return ESP_OK;
    const char *value = event->header_value;
    if (strcasecmp(event->header_key, "ETag") == 0 && strlen(value) < sizeof(j->answer.etag))
        memcpy(j->answer.etag, value, strlen(value) + 1);
    else if (strcasecmp(event->header_key, "Content-Range") == 0)
        take_range(&j->answer, value);
    else if (strcasecmp(event->header_key, "Retry-After") == 0)
        take_retry(&j->answer, value);
    else if (strcasecmp(event->header_key, "Location") == 0)
        /* Too long is as good as another host: it is not followed. */
        snprintf(j->location, sizeof(j->location), "%s",
                 strlen(value) < sizeof(j->location) ? value : "too long");
    return ESP_OK;
}

static enum reason reason_of(struct job *j, esp_err_t err)
{
    int code = 0, flags = 0;
    esp_err_t tls = esp_http_client_get_and_clear_last_tls_error(j->client, &code, &flags);
    ESP_LOGW(TAG, "%s, TLS %s, flags 0x%x", esp_err_to_name(err), esp_err_to_name(tls),
             (unsigned)flags);
    if (tls == ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME)
        return REASON_DNS;
    if (flags != 0 || (tls >= ESP_ERR_MBEDTLS_CERT_PARTLY_OK && tls < ESP_ERR_ESP_TLS_BASE + 0x40))
        return REASON_TLS;
    return REASON_CONNECT;
}

/* Bytes of "https://host:port" at the start of `url`; 0: it is not of that form. */
static size_t origin_len(const char *url)
{
    if (strncmp(url, "https://", 8) != 0)
        return 0;
    return 8 + strcspn(url + 8, "/?#");
}

/* The next address of a redirect to the same scheme, host and port, spelt alike; in j->url. */
static bool follow(struct job *j)
{
    size_t here = origin_len(j->url), there = origin_len(j->location);
    if (j->location[0] == '/' && j->location[1] != '/') {
        size_t len = strlen(j->location);
        if (here + len >= sizeof(j->url))
            return false;
        memcpy(j->url + here, j->location, len + 1);
        return true;
    }
    if (there == 0 || there != here || strncmp(j->url, j->location, here) != 0 ||
        strlen(j->location) >= sizeof(j->url))
        return false;
    memcpy(j->url, j->location, strlen(j->location) + 1);
    return true;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static enum reason await_head(struct job *j)
{
    int64_t until = clock_mono_ms() + ANSWER_MS;
    for (;;) {
        int64_t n = esp_http_client_fetch_headers(j->client);
        if (n >= 0)
            return REASON_NONE;
        if (n != -ESP_ERR_HTTP_EAGAIN)
            return REASON_TRUNCATED;
        if (cancelled(j) || clock_mono_ms() > until)
            return REASON_CONNECT;
    }
}

static enum reason request(struct job *j)
{
    memset(&j->answer, 0, sizeof(j->answer));
    j->location[0] = '\0';
    esp_err_t err = esp_http_client_open(j->client, 0);
    if (err != ESP_OK)
        return reason_of(j, err);
    enum reason why = await_head(j);
    if (why)
        return why;
    j->answer.status = esp_http_client_get_status_code(j->client);
    int64_t length = esp_http_client_get_content_length(j->client);
    if (j->answer.status != 206 && length > 0 && length <= (int64_t)UINT32_MAX &&
        !esp_http_client_is_chunked_response(j->client)) {
        j->answer.total = (uint32_t)length;
        j->answer.has_total = true;
    }
    return REASON_NONE;
}

/* To the first answer that is not a redirect. */
static enum reason get_head(struct job *j)
{
    for (int hops = 0;; hops++) {
        enum reason why = request(j);
        if (why || !is_redirect(j->answer.status))
            return why;
        if (hops == REDIRECTS_MAX || !follow(j))
            return REASON_REDIRECT;
        /* The body of a redirect is not read. */
        esp_http_client_close(j->client);
        if (esp_http_client_set_url(j->client, j->url) != ESP_OK)
            return REASON_REDIRECT;
    }
}

/* ---- the body ------------------------------------------------------------------------------- */

static bool pass_on(const struct job *j, const char *data, size_t len)
{
    while (len > 0) {
        size_t n = xStreamBufferSend(j->f->body, data, len, pdMS_TO_TICKS(SEND_WAIT_MS));
        if (cancelled(j))
            return false;
        data += n;
        len -= n;
        if (n > 0)
            wake(j->f);
    }
    return true;
}

static enum reason get_body(struct job *j, char *piece)
{
    for (;;) {
        int n = esp_http_client_read(j->client, piece, PIECE);
        if (cancelled(j))
            return REASON_NONE;
        if (n > 0 && !pass_on(j, piece, (size_t)n))
            return REASON_NONE;
        if (n == 0 && esp_http_client_is_complete_data_received(j->client))
            return REASON_NONE;
        /* Nothing for TIMEOUT_MS: the agent has a minimum speed and gives up when it wants to. */
        if (n > 0 || n == -ESP_ERR_HTTP_EAGAIN)
            continue;
        return REASON_TRUNCATED;
    }
}

/* ---- the task ------------------------------------------------------------------------------- */

static bool set_headers(struct job *j)
{
    char text[24];
    if (j->from == 0)
        return true;
    snprintf(text, sizeof(text), "bytes=%lu-", (unsigned long)j->from);
    if (esp_http_client_set_header(j->client, "Range", text) != ESP_OK)
        return false;
    return j->etag[0] == '\0' ||
           esp_http_client_set_header(j->client, "If-Range", j->etag) == ESP_OK;
}

static void run(struct job *j, char *piece)
{
    const struct identity *id = j->f->identity;
    const esp_http_client_config_t config = {
        .url = j->url,
        .cert_pem = id->ca,
        .client_cert_pem = id->cert,
        .client_key_pem = id->key,
        .user_agent = "muster-device",
        .timeout_ms = TIMEOUT_MS,
        .disable_auto_redirect = true,
        .max_authorization_retries = -1,
        .event_handler = on_http,
        .transport_type = HTTP_TRANSPORT_OVER_SSL,
        .buffer_size = PIECE,
        .buffer_size_tx = 1024,
        .user_data = j,
        .keep_alive_enable = true,
    };
    enum reason why = REASON_INTERNAL;
    j->client = esp_http_client_init(&config);
    if (j->client && set_headers(j))
        why = get_head(j);
    if (why != REASON_NONE) {
        memset(&j->answer, 0, sizeof(j->answer)); /* a redirect's head is not the answer */
    } else {
        say(j, FETCH_BODY, REASON_NONE);
        why = get_body(j, piece);
    }
    say(j, why ? FETCH_FAILED : FETCH_DONE, why);
    if (j->client)
        esp_http_client_cleanup(j->client);
}

static void take_job(struct fetch *f, struct job *j)
{
    memset(j, 0, sizeof(*j));
    xSemaphoreTake(f->lock, portMAX_DELAY);
    j->f = f;
    j->number = atomic_load(&f->number);
    j->from = f->from;
    memcpy(j->etag, f->etag, sizeof(j->etag));
    memcpy(j->url, f->url, sizeof(j->url));
    xSemaphoreGive(f->lock);
}

static void serve(void *ctx)
{
    struct fetch *f = ctx;
    struct job job;
    unsigned served = 0;
    char *piece = malloc(PIECE);
    for (;;) {
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        take_job(f, &job);
        /* Closed again before it began; or begun already, on its predecessor's notification. */
        if (job.url[0] == '\0' || job.number == served)
            continue;
        served = job.number;
        /* What a cancelled download left. Nobody waits on the buffer, and the main task reads it
         * only once this download has said FETCH_BODY. */
        xStreamBufferReset(f->body);
        if (piece)
            run(&job, piece);
        else
            say(&job, FETCH_FAILED, REASON_NO_SPACE);
    }
}

int fetch_init(struct fetch *f, QueueHandle_t events, const struct identity *identity)
{
    memset(f, 0, sizeof(*f));
    f->identity = identity;
    f->events = events;
    f->lock = xSemaphoreCreateMutex();
    f->body = xStreamBufferCreate(FETCH_BUFFER, 1);
    if (!f->lock || !f->body)
        return -1;
    return xTaskCreate(serve, "fetch", TASK_STACK, f, TASK_PRIORITY, &f->task) == pdPASS ? 0 : -1;
}

/* ---- the slots of ota_port, on the main task --------------------------------------------------
 */

static void begin(struct fetch *f, const char *url, uint32_t from, const char *etag)
{
    xSemaphoreTake(f->lock, portMAX_DELAY);
    atomic_fetch_add(&f->number, 1);
    snprintf(f->url, sizeof(f->url), "%s", url);
    snprintf(f->etag, sizeof(f->etag), "%s", etag);
    f->from = from;
    xSemaphoreGive(f->lock);
}

enum reason fetch_open(void *ctx, const char *url, uint32_t from, const char *etag)
{
    struct fetch *f = ctx;
    if (origin_len(url) == 0)
        return REASON_CONNECT;
    if (strlen(url) >= sizeof(f->url) || strlen(etag) >= sizeof(f->etag))
        return REASON_INTERNAL;
    begin(f, url, from, etag);
    xTaskNotifyGive(f->task);
    return REASON_NONE;
}

static enum fetch_phase phase_of(struct fetch *f, struct ota_http_answer *answer, enum reason *why)
{
    xSemaphoreTake(f->lock, portMAX_DELAY);
    enum fetch_phase phase = f->answered == atomic_load(&f->number) ? f->phase : FETCH_ASKED;
    *why = f->why;
    if (answer)
        *answer = f->answer;
    xSemaphoreGive(f->lock);
    return phase;
}

enum ota_io fetch_answer(void *ctx, struct ota_http_answer *answer, enum reason *why)
{
    struct fetch *f = ctx;
    enum reason reason;
    enum fetch_phase phase = phase_of(f, answer, &reason);
    if (phase == FETCH_ASKED)
        return OTA_AGAIN;
    /* A body that broke off is fetch_read()'s to tell, after the bytes that did come. */
    if (phase != FETCH_FAILED || answer->status != 0)
        return OTA_OK;
    *why = reason;
    return OTA_FAIL;
}

enum ota_io fetch_read(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    struct fetch *f = ctx;
    enum reason reason;
    /* The phase first: what it says is true of the bytes that are in the buffer after it. */
    enum fetch_phase phase = phase_of(f, NULL, &reason);
    *got = phase == FETCH_ASKED ? 0 : xStreamBufferReceive(f->body, data, cap, 0);
    if (*got > 0 || phase == FETCH_DONE)
        return OTA_OK;
    if (phase != FETCH_FAILED)
        return OTA_AGAIN;
    *why = reason;
    return OTA_FAIL;
}

void fetch_close(void *ctx)
{
    begin(ctx, "", 0, "");
}
