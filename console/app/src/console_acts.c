#include "console_acts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "ossl/crypto.h"
#include "store/alerts.h"

#include "cmdline.h"
#include "console_effects.h"
#include "console_model.h"
#include "planning.h"

enum { ASKED_MS = 300 }; /* how often acts that were asked for are looked after */

static void do_command(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    struct err err;
    uint32_t seq;
    size_t sent = 0;
    struct cmdline line;

    for (size_t i = 0; i < fx->id_count; i++) {
        struct order order = { .verb = fx->verb };
        if (fx->set)
            order.set = *fx->set;
        text_copy(order.dev, sizeof(order.dev), fx->ids[i]);
        if (session_command(c->session, &order, c->who, &seq, &err)) {
            console_tell(c, m, TAIL_ERROR, "%s %s: %s", verb_word(fx->verb), fx->ids[i], err.text);
            break;
        }
        cmdline_device(&line, c->cmd->profile, fx->verb, fx->ids[i], fx->set);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
        sent++;
    }
    if (sent == fx->id_count)
        console_tell(c, m, TAIL_PLAIN, "%s sent to %zu device%s; answers come in the events",
                     verb_word(fx->verb), sent, sent == 1 ? "" : "s");
}

static void do_start(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    char name[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX], id[PROTO_ROLLOUT_MAX] = "";
    struct err err = { .text = "the release store could not be opened" };
    struct plan_candidate *candidate;
    struct cmdline line;
    int64_t act;
    uint32_t count =
        planning_candidates_of(session_fleet(c->session), fx->ids, fx->id_count, &candidate);

    text_format(name, sizeof(name), "%s@%s", fx->plan->product, fx->plan->version);
    text_copy(id, sizeof(id), fx->id);
    struct planning p = { .profile = c->cmd->profile,
                          .crypto = ossl_crypto(),
                          .store = session_store(c->session),
                          .plan = fx->plan,
                          .candidate = candidate,
                          .count = count,
                          .who = c->who };
    p.release = c->releases ? planning_release(p.profile, c->releases, p.crypto, name, &err) : NULL;
    if (!p.release || planning_start(&p, m->now_ms, id, &act, &err))
        console_tell(c, m, TAIL_ERROR, "not started: %s", err.text);
    else {
        console_tell(c, m, TAIL_PLAIN, "%s started: %s to %u devices", id, name, count);
        cmdline_start(&line, c->cmd->profile, fx->plan);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
        asked_add(&c->asked, act);
    }
    c->releases_ms = 0;
    engine_nudge(session_engine(c->session));
    free(candidate);
}

static void do_act(struct console *c, const struct ui_model *m, const struct ui_effect *fx,
                   enum rollout_act act)
{
    struct err err;
    struct rollout_ask ask;
    struct cmdline line;
    int64_t id = 0;

    if (rollout_ask_read(fx->text, &ask, &err) ||
        store_act_ask(session_store(c->session), c->who, fx->id, act, &ask, m->now_ms, &id, &err))
        console_tell(c, m, TAIL_ERROR, "%s %s: %s", rollout_act_word(act), fx->id, err.text);
    else {
        cmdline_act(&line, c->cmd->profile, act, fx->id, &ask);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
    }
    if (id)
        asked_add(&c->asked, id);
    engine_nudge(session_engine(c->session));
}

static void do_ack(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    struct err err;
    struct cmdline line;
    int rc = store_alert_ack(session_store(c->session), fx->text, fx->id, c->who, m->now_ms, &err);

    if (rc < 0)
        console_tell(c, m, TAIL_ERROR, "not acknowledged: %s", err.text);
    else if (rc == 1)
        console_tell(c, m, TAIL_WARN, "%s of %s is not kept yet: try again in a second", fx->text,
                     fx->id);
    else {
        cmdline_begin(&line, c->cmd->profile, "alerts ack");
        cmdline_word(&line, fx->text);
        cmdline_word(&line, fx->id);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
    }
    alerting_nudge(session_alerting(c->session));
}

static void do_silence(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    struct store_silence row = { .made_ms = m->now_ms, .until_ms = fx->silence->until_ms };
    struct err err;
    struct cmdline line;
    int64_t id;

    text_copy(row.rule, sizeof(row.rule), fx->silence->rule);
    text_copy(row.target, sizeof(row.target), fx->silence->target);
    text_copy(row.reason, sizeof(row.reason), fx->silence->reason);
    text_copy(row.who, sizeof(row.who), c->who);
    if (store_silence_add(session_store(c->session), &row, &id, &err))
        console_tell(c, m, TAIL_ERROR, "not muted: %s", err.text);
    else {
        console_tell(c, m, TAIL_PLAIN, "muted, as silence %lld", (long long)id);
        cmdline_silence(&line, c->cmd->profile, fx->silence, m->now_ms);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
    }
    alerting_nudge(session_alerting(c->session));
}

static void do_unsilence(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    char number[24];
    struct cmdline line;
    struct err err;
    int rc = store_silence_end(session_store(c->session), fx->silence->id, c->who, m->now_ms, &err);

    text_format(number, sizeof(number), "%lld", (long long)fx->silence->id);
    if (rc < 0)
        console_tell(c, m, TAIL_ERROR, "still muted: %s", err.text);
    else if (rc == 1)
        console_tell(c, m, TAIL_WARN, "silence %s is over already", number);
    else {
        console_tell(c, m, TAIL_PLAIN, "silence %s ended: %s", number, fx->silence->reason);
        cmdline_begin(&line, c->cmd->profile, "alerts unsilence");
        cmdline_word(&line, number);
        log_say(&c->log, LOG_INFO, "%s", cmdline_text(&line));
    }
    alerting_nudge(session_alerting(c->session));
}

/* What changes the world: refused while read-only, whenever the dialog was opened. */
static const struct act {
    enum ui_effect_kind kind;
    void (*run)(struct console *c, const struct ui_model *m, const struct ui_effect *fx);
    enum rollout_act act; /* with run NULL: a row for the engine */
} acts[] = {
    { UI_COMMAND, do_command, ROLLOUT_ACT_COUNT },
    { UI_START_ROLLOUT, do_start, ROLLOUT_ACT_COUNT },
    { UI_ALERT_ACK, do_ack, ROLLOUT_ACT_COUNT },
    { UI_ALERT_SILENCE, do_silence, ROLLOUT_ACT_COUNT },
    { UI_ALERT_UNSILENCE, do_unsilence, ROLLOUT_ACT_COUNT },
    { UI_PAUSE_ROLLOUT, NULL, ROLLOUT_ACT_PAUSE },
    { UI_RESUME_ROLLOUT, NULL, ROLLOUT_ACT_RESUME },
    { UI_ABORT_ROLLOUT, NULL, ROLLOUT_ACT_ABORT },
    { UI_ROLLBACK_ROLLOUT, NULL, ROLLOUT_ACT_ROLLBACK },
    { UI_APPROVE_ROLLOUT, NULL, ROLLOUT_ACT_APPROVE },
    { UI_RETRY_ROLLOUT, NULL, ROLLOUT_ACT_RETRY },
    { UI_SET_ROLLOUT, NULL, ROLLOUT_ACT_SET },
};

bool console_act(struct console *c, const struct ui_model *m, const struct ui_effect *fx)
{
    const struct act *act = NULL;

    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        if (acts[i].kind == fx->kind)
            act = &acts[i];
    if (!act)
        return false;
    if (m->read_only)
        console_tell(c, m, TAIL_WARN, "not done, read-only: %s", m->read_only_why);
    else if (act->run)
        act->run(c, m, fx);
    else
        do_act(c, m, fx, act->act);
    return true;
}

/* What whoever leads has made of it: in the act's own row. */
void console_tell_answers(struct console *c, int64_t now)
{
    struct store_act *act;

    if (c->asked.count == 0 || now - c->asked_ms < ASKED_MS)
        return;
    c->asked_ms = now;
    act = mem_alloc(sizeof(*act));
    while (asked_take(&c->asked, session_store(c->session), act)) {
        struct ui_model m = console_model(c, now);
        if (act->refused && act->act == ROLLOUT_ACT_START)
            planning_give_up(session_store(c->session), c->who, act->rollout, now);
        if (act->refused)
            console_tell(c, &m, TAIL_ERROR, "%s: %s", act->rollout, act->result);
    }
    free(act);
}
