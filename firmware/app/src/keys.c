#include <string.h>

#include "private.h"

/* The keyset: found at boot, moved on by `keys` orders. What makes one good is the agent's. */

void keys_load(struct app *app)
{
    const struct app_platform *p = app->platform;
    int len = p->nvs_get_str(p->ctx, APP_NS_FACTORY, "keyset", app->scratch, sizeof(app->scratch));
    enum reason reason = ota_keys_load(&app->keys, app->ota_port, app->scratch,
                                       len < 0 ? 0 : (size_t)len, &app->boot_work);

    if (app->keys.damaged)
        app_say(app, APP_LOG_ERROR, "both keyset records are damaged: back to version %u",
                (unsigned)app->keys.now.version);
    if (reason == REASON_RECORD_IO)
        app_say(app, APP_LOG_ERROR, "keyset records can't be read; every order will be refused");
    else if (reason != REASON_NONE)
        app_say(app, APP_LOG_ERROR, "factory key `keyset`: %s; every order will be refused",
                len < 0 ? "missing" : reason_text(reason));
}

enum reason keys_take(struct app *app, struct ota_event *event, uint32_t *seq, char *detail,
                      size_t cap)
{
    uint32_t before = app->keys.now.version;
    const struct order *order = NULL;
    struct text t = text_begin(detail, cap);

    event->now = app_ota_time(app);
    enum reason reason = ota_keys_take(&app->agent, &app->keys, event, &app->work, &order);
    *seq = order ? order->seq : 0;
    if (app->keys.now.version != before)
        app->status_due = true;
    text_str(&t, "version ");
    text_u64(&t, app->keys.now.version);
    if (reason == REASON_BAD_KEYSET && app->keys.next.version != 0) {
        text_str(&t, " in use, not followed by ");
        text_u64(&t, app->keys.next.version);
    }
    if (text_end(&t) < 0)
        detail[0] = '\0';
    return reason;
}
