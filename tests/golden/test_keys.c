#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench.h"
#include "fixture_rollouts.h"

/* What keys do: states, effects, and what no sequence of keys may do. */

/* Click where the text stands. */
static void click(struct bench *b, const char *text)
{
    char line[4096];
    for (int row = b->c->rows - 1; row >= 0; row--) {
        const char *at = strstr(canvas_row(b->c, row, line, sizeof(line)), text);
        if (!at)
            continue;
        struct ui_event ev = { .kind = UI_MOUSE, .mouse = UI_CLICK, .row = row };
        for (const char *c = line; c < at; c++)
            ev.col += (*c & 0xc0) != 0x80;
        ui_step(b->ui, &ev, &b->f->model, &b->fx);
        ui_draw(b->ui, &b->f->model, b->c);
        return;
    }
    fail_msg("%s is not on the screen", text);
}

/* ------------------------------------------------------------------------------------- acts */

static void a_reboot_hits_exactly_the_device_that_was_shown(void **state)
{
    struct bench *b = *state;

    type(b, "/id=hall-a-002<Enter>r");
    assert_true(on_screen(b, "reboot hall-a-002"));
    assert_null(effect(b, UI_COMMAND));

    type(b, "<Tab><Enter>");
    const struct ui_effect *e = effect(b, UI_COMMAND);
    assert_non_null(e);
    assert_int_equal(e->verb, VERB_REBOOT);
    assert_int_equal(e->id_count, 1);
    assert_string_equal(e->ids[0], "hall-a-002");
}

static void an_act_keeps_its_ids_when_the_fleet_moves_under_the_dialog(void **state)
{
    struct bench *b = *state;
    static const char offline[] = "offline";

    type(b, "<Down><Down>");
    char before[PROTO_ID_MAX];
    snprintf(before, sizeof(before), "%s", ui_selected(b->ui));
    type(b, "r");
    fixture_message(b->f, "devices/hall-a-001/status", offline, 7, false);
    fixture_message(b->f, "devices/aaa-new/status", offline, 7, false);
    fixture_pass(b->f, 5000);
    type(b, "<Tab><Enter>");

    assert_int_equal(effect(b, UI_COMMAND)->id_count, 1);
    assert_string_equal(effect(b, UI_COMMAND)->ids[0], before);
}

static void many_devices_need_their_number_typed(void **state)
{
    struct bench *b = *state;

    type(b, "/group:hall<Enter>*r<Tab><Enter>");
    assert_null(effect(b, UI_COMMAND));

    type(b, "r8<Enter>");
    assert_null(effect(b, UI_COMMAND));

    type(b, "r9<Enter>");
    const struct ui_effect *e = effect(b, UI_COMMAND);
    assert_non_null(e);
    assert_int_equal(e->id_count, 9);
    for (size_t i = 0; i < e->id_count; i++)
        assert_memory_equal(e->ids[i], "hall-", 5);
}

static void enter_alone_never_executes_a_dangerous_act(void **state)
{
    static const char *const ways[] = {
        "r<Enter><Enter><Enter>",
        ("u<Enter><Enter><Enter><Enter><Enter><Enter><Enter><Enter><Enter><Enter><Enter><Enter>"
         "<Enter><Enter><Enter><Enter><Enter>"),
        "u<PgDn><Enter><Enter>",
        "R<Down><Enter>X<Enter><Enter>",
        "R<Down>X<Enter><Enter>",
        "R<End><Space><Enter><Enter>",
        "<Enter>r<Enter><Enter>",
        "<Enter>u<Enter><Enter><Enter><Enter><Enter><Enter><Enter><Enter>",
        "S<Enter><Enter><Enter><Enter><Enter><Enter><Enter><Enter><Enter>",
        ":reboot<Enter><Enter>",
        "q<Enter>"
    };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct ui *ui = b->ui;
        b->ui = ui_new();
        type(b, ways[i]);
        assert_null(effect(b, UI_COMMAND));
        assert_null(effect(b, UI_START_ROLLOUT));
        assert_null(effect(b, UI_ABORT_ROLLOUT));
        assert_null(effect(b, UI_RESUME_ROLLOUT));
        assert_null(effect(b, UI_QUIT));
        ui_free(b->ui);
        b->ui = ui;
    }
}

static void a_theme_is_shown_at_once_and_kept_or_taken_back(void **state)
{
    struct bench *b = *state;
    char kept[8192];

    type(b, "t<Down>");
    assert_non_null(effect(b, UI_THEME));
    type(b, "<Esc>");
    assert_string_equal(effect(b, UI_THEME)->text, b->f->model.theme);
    assert_string_equal(ui_theme(b->ui), "");

    type(b, "t<Down><Enter>");
    assert_non_null(effect(b, UI_SAVE));
    ui_state_write(b->ui, kept, sizeof(kept));
    struct ui *next = ui_new();
    ui_state_read(next, kept);
    assert_string_equal(ui_theme(next), ui_theme(b->ui));
    assert_true(*ui_theme(next) != '\0');
    ui_free(next);
}

static void a_prod_console_acts_only_when_asked_to(void **state)
{
    struct bench *b = *state;
    b->f->model.read_only = true;
    b->f->model.may_write = true;
    b->f->model.read_only_why = "a prod profile";

    type(b, "r");
    assert_true(on_screen(b, "read-only: a prod profile"));
    assert_null(effect(b, UI_COMMAND));
    type(b, ":write<Enter>");

    assert_non_null(effect(b, UI_WRITE));
}

static void a_read_only_console_says_why_and_does_nothing(void **state)
{
    static const char *const ways[] = { "r<Tab><Enter>", "i", "u", "R<Down><Enter><Space>",
                                        "R<Down><Enter>X" };
    struct bench *b = *state;
    b->f->model.read_only = true;
    b->f->model.read_only_why = "profile prod";

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        type(b, "<Esc><Esc><Esc>");
        type(b, ways[i]);
        assert_true(on_screen(b, "read-only: profile prod") || i == 0);
        for (size_t k = 0; k < b->fx.count; k++)
            assert_true(b->fx.item[k].kind != UI_COMMAND && b->fx.item[k].kind != UI_PAUSE_ROLLOUT);
    }
}

/* ---------------------------------------------------------------------------------- rollout */

static void a_rollout_starts_with_the_devices_of_its_preview(void **state)
{
    struct bench *b = *state;

    type(b, "/group:hall<Enter>u<Right>");
    assert_true(on_screen(b, "6 devices of 9 in the target"));
    assert_true(on_screen(b, "3 already runs it"));
    type(b, "<PgDn>6<Enter>");

    const struct ui_effect *e = effect(b, UI_START_ROLLOUT);
    assert_non_null(e);
    assert_string_equal(e->id, "r-20261120-4");
    assert_string_equal(e->plan->version, "1.4.0");
    assert_string_equal(e->plan->target, "group:hall");
    assert_int_equal(e->plan->stage_count, 2);
    assert_int_equal(e->plan->stage[0].count, 2);
    assert_int_equal(e->plan->stage[1].share_ppm, 1000000);
    assert_int_equal(e->id_count, 6);
    assert_int_equal(ui_screen(b->ui), SCREEN_ROLLOUT);
}

static void what_was_typed_to_start_is_void_after_a_change(void **state)
{
    struct bench *b = *state;

    type(b, "u<Right><PgDn>17<Up><Up><Up><Up><Up><Up><Up><BS><PgDn><Enter>");

    assert_null(effect(b, UI_START_ROLLOUT));
    type(b, "17<Enter>");
    assert_int_equal(effect(b, UI_START_ROLLOUT)->plan->in_flight, 5);
}

static void a_wrong_plan_cannot_be_started(void **state)
{
    struct bench *b = *state;

    type(b, "u<Right><Tab><Tab><Tab> soak<PgDn>20<Enter>");

    assert_null(effect(b, UI_START_ROLLOUT));
    assert_true(on_screen(b, "for how long?"));
}

static void abort_wants_the_name_of_the_rollout(void **state)
{
    struct bench *b = *state;

    type(b, "R<Down><Enter>Xr-20261120-1<Enter>");
    assert_null(effect(b, UI_ABORT_ROLLOUT));

    type(b, "Xr-20261120-2<Enter>");
    assert_string_equal(effect(b, UI_ABORT_ROLLOUT)->id, "r-20261120-2");
}

static void space_pauses_at_once_and_resumes_after_a_question(void **state)
{
    struct bench *b = *state;

    type(b, "R<Down><Enter><Space>");
    assert_string_equal(effect(b, UI_PAUSE_ROLLOUT)->id, "r-20261120-2");

    type(b, "<Esc><End><Enter><Space>");
    assert_null(effect(b, UI_RESUME_ROLLOUT));
    assert_true(on_screen(b, "no longer count"));
    type(b, "<Tab><Enter>");
    assert_string_equal(effect(b, UI_RESUME_ROLLOUT)->id, "r-20261119-1");
}

static void abort_may_also_roll_back_what_has_switched(void **state)
{
    struct bench *b = *state;

    type(b, "R<Down><Enter>X<Up><Right><Tab>r-20261120-2<Enter>");

    assert_null(effect(b, UI_ABORT_ROLLOUT));
    assert_string_equal(effect(b, UI_ROLLBACK_ROLLOUT)->id, "r-20261120-2");
}

static void a_name_typed_for_one_choice_is_void_for_another(void **state)
{
    struct bench *b = *state;

    type(b, "R<Down><Enter>Xr-20261120-2<Up><Right><Down><Enter>");

    assert_null(effect(b, UI_ABORT_ROLLOUT));
    assert_null(effect(b, UI_ROLLBACK_ROLLOUT));
}

static void the_selected_rollout_stays_selected_when_a_newer_one_comes(void **state)
{
    struct bench *b = *state;

    b->f->model.rollouts++;
    b->f->model.rollout_count--;
    type(b, "R<Down>"); /* the second of two */
    b->f->model.rollouts--;
    b->f->model.rollout_count++;
    type(b, "<Enter>");

    assert_true(on_screen(b, "rollouts › r-20261119-1"));
}

static void a_click_selects_a_rollout_and_a_second_one_opens_it(void **state)
{
    struct bench *b = *state;

    type(b, "R");
    click(b, "✗ r-20261119-1");
    assert_int_equal(ui_screen(b->ui), SCREEN_ROLLOUTS);
    assert_true(on_screen(b, "── r-20261119-1"));
    click(b, "✗ r-20261119-1");
    assert_int_equal(ui_screen(b->ui), SCREEN_ROLLOUT);
    assert_true(on_screen(b, "rollouts › r-20261119-1"));
}

static void an_old_rollout_is_loaded_when_it_is_opened(void **state)
{
    struct bench *b = *state;
    struct ui_rollout_row old = {
        .state = ROLLOUT_DONE, .devices = 7, .done = 7, .stage_count = 2
    };
    snprintf(old.id, sizeof(old.id), "r-20240101-1");
    b->f->model.rows = &old;
    b->f->model.row_count = 1;

    type(b, "R<End>");
    assert_true(on_screen(b, "7 devices, 7 done, 0 failed"));
    type(b, "<Enter>");

    assert_string_equal(effect(b, UI_LOAD_ROLLOUT)->id, "r-20240101-1");
    assert_true(on_screen(b, "rollouts › r-20240101-1"));
}

static void enter_on_a_stage_lists_its_devices_and_again_opens_one(void **state)
{
    struct bench *b = *state;

    type(b, "R<Down><Enter><Tab><Tab><Up><Enter>");
    assert_true(on_screen(b, "stage 1 canary: 3 devices"));
    type(b, "<Enter>");
    assert_int_equal(ui_screen(b->ui), SCREEN_DEVICE);
    assert_string_equal(effect(b, UI_WATCH)->id, b->f->rollout[1]->device[0].id);

    type(b, "<Esc><Esc>");
    assert_int_equal(ui_screen(b->ui), SCREEN_ROLLOUT);
    assert_false(on_screen(b, "stage 1 canary: 3 devices"));
    type(b, "/");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    assert_true(on_screen(b, "rollout:r-20261120-2"));
}

/* A bench over the larger fleet, whose rollouts are guarded. */
static void use_pumps(struct bench *b)
{
    fixture_free(b->f);
    b->f = fixture_rollouts_new();
}

static void the_dialog_reads_all_that_a_plan_has(void **state)
{
    struct bench *b = *state;

    type(b,
         "/group:hall<Enter>u<Right><Tab><Tab><Tab><C-u>canary 1 soak 1m fail 0%% approve, rest");
    type(b, "<Down><C-u>2%<Down><C-u>90s<Down><C-u>45s<Down><C-u>3<Down>site 2<Down>250k<Down>"
            "01:00-05:00 UTC mon-fri<Down><Right><Down><Right><Down><Right>");
    type(b, "<PgUp><Tab><Tab><Tab><BS><BS><BS><BS><BS><BS>, rest<PgDn>6<Enter>");

    assert_null(effect(b, UI_START_ROLLOUT)); /* "0%%" is no share: the mistake was typed */
    type(b, "<PgUp><Tab><Tab><Tab><C-u>canary 1 soak 1m fail 0% approve, rest<PgDn>6<Enter>");
    const struct ui_effect *e = effect(b, UI_START_ROLLOUT);
    assert_non_null(e);
    const struct rollout_plan *p = e->plan;
    assert_int_equal(p->stage_count, 2);
    assert_true(p->stage[0].approval && !p->stage[1].approval);
    assert_int_equal(p->stage[0].soak_s, 60);
    assert_true(p->gate.allowed_failure > 0.0199 && p->gate.allowed_failure < 0.0201);
    assert_int_equal(p->jitter_s, 90);
    assert_int_equal(p->trial_s, 45);
    assert_int_equal(p->in_flight, 3);
    assert_string_equal(p->per_group.by, "site");
    assert_int_equal(p->per_group.max, 2);
    assert_int_equal(p->bandwidth, 250000);
    assert_int_equal(p->window.from_min, 60);
    assert_int_equal(p->window.days, 0x1f);
    assert_true(p->four_eyes);
    assert_int_equal(p->late, PLAN_LATE_JOIN);
    assert_int_equal(p->on_stop, PLAN_STOP_ABORT);
}

static void a_mistake_is_named_at_its_field(void **state)
{
    static const struct {
        const char *keys, *text;
    } wrong[] = {
        { "<Tab><Tab><C-u>fw<lt>", "at character" },
        { "<Tab><Tab><C-u>id=nobody", "nobody" },
        { "<Tab><Tab><Tab><Tab><C-u>many", "may fail: a share is wanted" },
        { "<Tab><Tab><Tab><Tab><Tab><C-u>soon", "jitter: a time is wanted" },
        { "<Tab><Tab><Tab><Tab><Tab><Tab><Tab><C-u>0", "in flight: at least 1" },
        { "<Tab><Tab><Tab><Tab><Tab><Tab><Tab><Tab>site", "per group: a label and a number" },
        { "<Tab><Tab><Tab><Tab><Tab><Tab><Tab><Tab><Tab>fast", "bandwidth: bytes per second" },
        { "<Tab><Tab><Tab><Tab><Tab><Tab><Tab><Tab><Tab><Tab>25:00-05:00", "window" },
    };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        type(b, "u<Right>");
        type(b, wrong[i].keys);
        assert_true(on_screen(b, wrong[i].text));
        type(b, "<PgDn>17<Enter>");
        assert_null(effect(b, UI_START_ROLLOUT));
        type(b, "<Esc>");
        assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    }
}

static void a_template_fills_the_fields(void **state)
{
    struct bench *b = *state;
    struct ui_template *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    snprintf(t->name, sizeof(t->name), "careful");
    plan_defaults(&t->plan);
    plan_default_stages(&t->plan);
    t->plan.in_flight = 7;
    snprintf(t->plan.target, sizeof(t->plan.target), "group:lab");
    b->f->model.templates = t;
    b->f->model.template_count = 1;

    type(b, "u<Right><Tab><Right>");
    assert_true(on_screen(b, "careful"));
    assert_true(on_screen(b, "group:lab"));
    type(b, "<PgDn>6<Enter>");

    const struct ui_effect *e = effect(b, UI_START_ROLLOUT);
    assert_non_null(e);
    assert_int_equal(e->plan->in_flight, 7);
    assert_string_equal(e->plan->target, "group:lab");
    assert_int_equal(e->plan->stage_count, 4);
    free(t);
}

static void more_marks_than_a_filter_names_are_a_target_still(void **state)
{
    struct bench *b = *state;
    use_pumps(b);

    type(b, "*u");
    assert_true(on_screen(b, "the 240 marked devices"));
    assert_true(on_screen(b, "149 devices of 240"));
    type(b, "<PgDn>149<Enter>");

    assert_int_equal(effect(b, UI_START_ROLLOUT)->id_count, 149);
    assert_string_equal(effect(b, UI_START_ROLLOUT)->plan->target, "the 240 marked devices");
}

static const struct zone *berlin(void *ctx, const char *name)
{
    return strcmp(name, "Europe/Berlin") == 0 ? ctx : NULL;
}

static void a_closed_window_says_when_the_first_order_goes_out(void **state)
{
    struct bench *b = *state;
    struct zone *z = calloc(1, sizeof(*z));
    assert_non_null(z);
    zone_from_posix(z, "CET-1CEST,M3.5.0,M10.5.0/3", NULL);
    const struct ui_lookup lookup = { .zone = berlin, .ctx = z };
    b->f->model.lookup = &lookup;

    type(b, "u<Right><PgUp><Tab><Tab><Tab><Tab><Tab><Tab><Tab><Tab><Tab><Tab>"
            "01:00-05:00 Europe/Berlin");
    assert_true(on_screen(b, "the first order goes out in 9h52m, 00:00Z"));
    type(b, "<C-u>01:00-05:00 Mars/Base");
    assert_true(on_screen(b, "knows no time zone Mars/Base"));
    free(z);
}

static void an_approval_takes_a_remark_and_a_second_person(void **state)
{
    struct bench *b = *state;
    use_pumps(b);

    type(b, "R<Down>Afine<Enter><Tab><Enter>");
    assert_null(effect(b, UI_APPROVE_ROLLOUT));
    assert_true(on_screen(b, "You are ada@gw1: somebody else has to do this."));

    b->f->model.operator_name = "grace@gw1";
    type(b, "<Esc>Alooks good<Enter><Enter>"); /* the harmless button */
    assert_null(effect(b, UI_APPROVE_ROLLOUT));
    type(b, "Alooks good<Enter><Tab><Enter>");
    const struct ui_effect *e = effect(b, UI_APPROVE_ROLLOUT);
    assert_non_null(e);
    assert_string_equal(e->id, "r-20261120-4");
    assert_string_equal(e->text, "stage=early remark=looks good");
}

static void retry_names_the_cause_and_wants_the_number(void **state)
{
    struct bench *b = *state;
    use_pumps(b);

    type(b, "R<Enter>R<Tab>4<Enter>");
    assert_null(effect(b, UI_RETRY_ROLLOUT));

    type(b, "R<Tab>5<Enter>");
    assert_string_equal(effect(b, UI_RETRY_ROLLOUT)->text, "reason=self_test");
}

static void caps_sets_only_what_was_changed(void **state)
{
    struct bench *b = *state;
    use_pumps(b);

    type(b, "R<Down>c<Tab><Tab><Tab><Tab><Tab><Enter>");
    assert_null(effect(b, UI_SET_ROLLOUT));
    assert_true(on_screen(b, "nothing is changed"));

    type(b, "<Esc>c<C-u>20<Down><Down><C-u>1M<Down><C-u>x<Tab><Tab><Enter>");
    assert_null(effect(b, UI_SET_ROLLOUT));
    assert_true(on_screen(b, "per site: a number from 1 on"));

    type(b, "<Esc>c<C-u>20<Down><Down><C-u>1M<Down><Tab><Tab><Enter>");
    assert_string_equal(effect(b, UI_SET_ROLLOUT)->text, "in_flight=20 bandwidth=1000000");
}

static void a_rollout_that_is_over_can_only_be_rolled_back(void **state)
{
    struct bench *b = *state;
    use_pumps(b);

    type(b, "R<Down><Down><Down><Down>Xr-20261118-1<Enter>");

    assert_null(effect(b, UI_ABORT_ROLLOUT));
    assert_string_equal(effect(b, UI_ROLLBACK_ROLLOUT)->id, "r-20261118-1");
}

/* ------------------------------------------------------------------------------------ rules */

static void escape_backs_out_and_never_quits(void **state)
{
    struct bench *b = *state;

    type(b, "/group:hall<Enter>4*<Enter>");
    assert_int_equal(ui_screen(b->ui), SCREEN_DEVICE);
    type(b, "<Esc>");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    assert_true(on_screen(b, "2 marked"));
    type(b, "<Esc>"); /* marks */
    assert_false(on_screen(b, "2 marked"));
    type(b, "<Esc>"); /* filter */
    type(b, "<Esc>"); /* chip */
    type(b, "<Esc><Esc><Esc>");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    assert_null(effect(b, UI_QUIT));
}

static void q_goes_back_and_quits_only_at_the_top(void **state)
{
    struct bench *b = *state;
    b->f->model.rollout_count = 1; /* the draft: nothing runs */

    type(b, "<Enter>q");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    assert_null(effect(b, UI_QUIT));
    type(b, "q");
    assert_non_null(effect(b, UI_QUIT));
}

static void quitting_while_a_rollout_runs_here_asks(void **state)
{
    struct bench *b = *state;

    type(b, "q");
    assert_null(effect(b, UI_QUIT));
    assert_true(on_screen(b, "r-20261120-2 is running"));
    type(b, "<Enter>"); /* the harmless one has the focus */
    assert_int_equal(b->fx.count, 0);
    assert_false(on_screen(b, "r-20261120-2 is running"));
    type(b, "q<Down><Esc>");
    assert_int_equal(b->fx.count, 0);
    type(b, "q<Down><Enter>");
    assert_non_null(effect(b, UI_HAND_OVER));
    assert_null(effect(b, UI_QUIT));
    type(b, "q<Down><Down><Enter>");
    assert_non_null(effect(b, UI_PAUSE_AND_QUIT));
    assert_null(effect(b, UI_QUIT));
    type(b, "q<Up><Enter>");
    assert_non_null(effect(b, UI_QUIT));

    b->f->model.engine = "serve on host b";
    type(b, "q");
    assert_non_null(effect(b, UI_QUIT));
}

static void the_selection_is_a_device_and_not_a_row(void **state)
{
    struct bench *b = *state;
    static const char offline[] = "offline";
    char id[PROTO_ID_MAX];

    type(b, "<Down><Down><Down>");
    snprintf(id, sizeof(id), "%s", ui_selected(b->ui));
    fixture_message(b->f, "devices/aaa/status", offline, 7, false);
    fixture_pass(b->f, 4000);
    type(b, "");

    assert_string_equal(ui_selected(b->ui), id);
}

static void rows_hold_still_after_a_cursor_key(void **state)
{
    struct bench *b = *state;
    static const char offline[] = "{\"state\":\"offline\"}";
    char before[4096], after[4096];

    type(b, "<Down>");
    canvas_row(b->c, 16, before, sizeof(before));
    fixture_message(b->f, "devices/hall-b-005/status", offline, sizeof(offline) - 1, false);
    fixture_pass(b->f, 2000);
    type(b, "");
    canvas_row(b->c, 16, after, sizeof(after));
    assert_memory_equal(before, after, 24);
    assert_true(on_screen(b, "rows held"));

    fixture_pass(b->f, 2000);
    type(b, "");
    canvas_row(b->c, 16, after, sizeof(after));
    assert_memory_not_equal(before, after, 24);
    assert_false(on_screen(b, "rows held"));
}

static void half_a_word_never_blanks_the_list(void **state)
{
    struct bench *b = *state;

    type(b, "/humid");
    assert_true(on_screen(b, "hall-a-001"));
    assert_true(on_screen(b, "21 of 21"));
    type(b, "ity>1 temp>");
    assert_false(on_screen(b, "No device matches"));
    type(b, "30<Enter>");
    assert_false(on_screen(b, "hall-a-001"));
    assert_true(on_screen(b, "hall-b-003"));
    type(b, "/<C-u>xyz<Enter>");
    assert_true(on_screen(b, "No device matches."));
}

static void letters_that_may_become_a_field_wait(void **state)
{
    struct bench *b = *state;

    type(b, "/t"); /* temperature, tag; also in "berlin-yard-001's" group outdoor */
    assert_true(on_screen(b, "21 shown"));
    assert_true(on_screen(b, "Enter: text in "));
    type(b, "emp>30");
    assert_true(on_screen(b, "1 of 21"));
    type(b, " a"); /* and, alerts: not a text that hides anything */
    assert_true(on_screen(b, "1 of 21"));
    assert_true(on_screen(b, "hall-b-003"));
    type(b, "nd<Enter>"); /* it stays open: something is wanted behind it */
    assert_true(on_screen(b, "a field or a text is wanted here"));
    type(b, "<C-u>h<Enter>"); /* a text, if that is what is meant */
    assert_false(on_screen(b, "lab-001"));
    assert_true(on_screen(b, "hall-a-001"));
}

static void a_word_of_another_field_is_pointed_out(void **state)
{
    struct bench *b = *state;

    type(b, "/esp32c");
    assert_true(on_screen(b, "in no id and no group: hw:esp32c3 ?"));
    type(b, "<Enter>");
    assert_true(on_screen(b, "No device matches."));
    assert_true(on_screen(b, "hw:esp32c3 ?"));
}

static void the_selected_row_comes_back_with_the_filter(void **state)
{
    struct bench *b = *state;
    char before[PROTO_ID_MAX];

    type(b, "<Down><Down><Down>");
    snprintf(before, sizeof(before), "%s", ui_selected(b->ui));
    type(b, "/roof");
    assert_string_not_equal(ui_selected(b->ui), before);
    type(b, "<Esc>");
    assert_string_equal(ui_selected(b->ui), before);
    type(b, "/roof<Enter>/<Esc><Esc>"); /* kept and cleared: another row was taken */
    assert_string_not_equal(ui_selected(b->ui), before);
}

static void half_a_value_does_not_blank_it_either(void **state)
{
    struct bench *b = *state;

    type(b, "/group:hal");
    assert_true(on_screen(b, "no match yet"));
    assert_true(on_screen(b, "greenhouse")); /* as "g" found it */
    type(b, "l");
    assert_true(on_screen(b, "9 of 21"));
    type(b, "<BS><Space>");
    assert_true(on_screen(b, "0 of 21")); /* a whole word, and nobody has it */
}

static void tab_fills_fields_and_values(void **state)
{
    struct bench *b = *state;

    type(b, "/gr<Tab>");
    assert_true(on_screen(b, "/ group "));
    type(b, "<C-u>gr<Tab>s<BS>:h<Tab>");
    assert_true(on_screen(b, "/ group:hall "));
    type(b, "<C-u>ota=d");
    assert_true(on_screen(b, "ota done  downloading"));
    type(b, "<Tab>");
    assert_true(on_screen(b, "/ ota=do "));
    type(b, "<Tab>");
    assert_true(on_screen(b, "/ ota=done "));
    type(b, "<Tab>");
    assert_true(on_screen(b, "/ ota=downloading "));
    type(b, "<Tab><S-Tab>");
    assert_true(on_screen(b, "/ ota=downloading "));
    assert_true(on_screen(b, "1 of 21"));
    type(b, "<C-u>hall and temp>");
    assert_true(on_screen(b, "temp: a number in °C"));
    type(b, "<C-u>sit:x");
    assert_true(on_screen(b, "nobody has a reading or a group sit"));
}

static void up_brings_back_the_filters_typed_before(void **state)
{
    struct bench *b = *state;

    type(b, "/hall<Enter>/lab<C-u>lab<Enter>/<C-u>roof");
    type(b, "<Up>");
    assert_true(on_screen(b, "/ lab "));
    type(b, "<Up>");
    assert_true(on_screen(b, "/ hall "));
    type(b, "<Up>");
    assert_true(on_screen(b, "/ hall "));
    type(b, "<Down><Down>");
    assert_true(on_screen(b, "/ roof "));
    type(b, "<Up><Up><Enter>/<C-u><Up><Up>"); /* used again: now the newest */
    assert_true(on_screen(b, "/ lab "));
}

static void text_fields_take_keys_first(void **state)
{
    struct bench *b = *state;

    type(b, "/qruXzR ?:");

    assert_int_equal(b->fx.count, 0);
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    assert_true(on_screen(b, "/ qruXzR ?:"));
}

static void opening_a_device_watches_it_and_leaving_stops(void **state)
{
    struct bench *b = *state;

    type(b, "/id=lab-001<Enter><Enter>");
    assert_string_equal(effect(b, UI_WATCH)->id, "lab-001");
    type(b, "<Esc>");
    assert_string_equal(effect(b, UI_UNWATCH)->id, "lab-001");

    type(b, "<Esc><Home><Enter>");
    type(b, "]");
    assert_non_null(effect(b, UI_UNWATCH));
    assert_string_equal(effect(b, UI_WATCH)->id, ui_selected(b->ui));
}

static void sorting_by_a_reading_shows_its_trend(void **state)
{
    struct bench *b = *state;

    type(b, "s<End><Enter>");
    const struct ui_effect *e = effect(b, UI_TREND);
    assert_non_null(e);
    assert_int_not_equal(e->reading, FLEET_NONE);
    type(b, "s<Home><Enter>");
    assert_int_equal(effect(b, UI_TREND)->reading, FLEET_NONE);
}

static void a_frozen_picture_stays_and_takes_no_acts(void **state)
{
    struct bench *b = *state;
    char before[4096], after[4096];
    static const char offline[] = "{\"state\":\"offline\"}";

    type(b, "z");
    canvas_row(b->c, 12, before, sizeof(before));
    fixture_message(b->f, "devices/hall-b-005/status", offline, sizeof(offline) - 1, false);
    fixture_pass(b->f, 60000);
    type(b, "r<Tab><Enter>i");
    canvas_row(b->c, 12, after, sizeof(after));

    assert_string_equal(before, after);
    assert_null(effect(b, UI_COMMAND));
    assert_true(on_screen(b, "frozen at 14:07:32, 1m ago"));
    type(b, "z");
    assert_false(ui_frozen(b->ui));
    assert_false(on_screen(b, "frozen"));
}

static void a_terminal_can_be_had_back_and_redrawn_from_everywhere(void **state)
{
    static const char *const places[] = { "", "z", "/id=h", "r", ":", "?", "t", "u" };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        type(b, places[i]);
        type(b, "<C-z>");
        assert_non_null(effect(b, UI_SUSPEND));
        type(b, "<C-l>");
        assert_non_null(effect(b, UI_REDRAW));
        type(b, "<Esc><Esc><Esc>");
    }
}

static void freezing_twice_before_a_picture_is_as_if_never(void **state)
{
    struct bench *b = *state;
    const struct ui_event z = { .kind = UI_KEY, .key = 'z' };
    struct ui_effects out;

    ui_step(b->ui, &z, &b->f->model, &out);
    ui_step(b->ui, &z, &b->f->model, &out);
    type(b, "");
    assert_false(ui_frozen(b->ui));
}

static void a_frozen_rollout_takes_no_acts_either(void **state)
{
    struct bench *b = *state;

    type(b, "R<Down><Enter>z");
    assert_true(ui_frozen(b->ui));
    type(b, "<Space>XAcR");
    assert_null(effect(b, UI_PAUSE_ROLLOUT));
    assert_true(on_screen(b, "z goes on"));
    type(b, "z<Space>");
    assert_non_null(effect(b, UI_PAUSE_ROLLOUT));
}

static void the_tail_pauses_and_counts_what_it_hides(void **state)
{
    struct bench *b = *state;

    type(b, "/id=hall-b-003<Enter><Enter><Tab><Up>");
    for (int i = 0; i < 3; i++)
        fixture_message(b->f, "devices/hall-b-003/log", "info hello", 10, false);
    type(b, "");
    assert_true(on_screen(b, "paused, 3 new"));
    assert_false(on_screen(b, "info hello"));
    type(b, "G");
    assert_true(on_screen(b, "info hello"));
}

/* -------------------------------------------------------------------------------------- mouse */
static void a_click_in_the_lines_at_the_foot_is_the_key(void **state)
{
    struct bench *b = *state;

    type(b, "");
    click(b, "R rollouts");
    assert_int_equal(ui_screen(b->ui), SCREEN_ROLLOUTS);
    click(b, "back");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    click(b, "reboot…");
    assert_true(on_screen(b, "Restarts 1 device"));
    click(b, "R rollouts"); /* behind a dialog nothing is clicked */
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
}

static void other_keys_do_what_the_profile_says(void **state)
{
    struct bench *b = *state;
    struct keymap keys;
    char why[120];

    keymap_default(&keys);
    assert_int_equal(keymap_bind(&keys, "rollouts", "W F5", 3, why, sizeof(why)), 0);
    ui_set_keymap(b->ui, &keys);
    type(b, "");
    assert_true(on_screen(b, "W rollouts"));
    type(b, "R");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    type(b, "<F5>");
    assert_int_equal(ui_screen(b->ui), SCREEN_ROLLOUTS);
}

/* ------------------------------------------------------------------------- settings, commands */

static void settings_go_to_the_devices_that_were_listed(void **state)
{
    struct bench *b = *state;

    type(b, "/id=hall-a-001,hall-a-002<Enter>*c");
    assert_true(on_screen(b, "Changes settings of 2 devices"));
    assert_true(on_screen(b, "hall-a-001"));
    type(b, "90<Tab>hall,site:7<Tab><Tab><Tab><Enter>"); /* nothing typed: harmless */
    assert_null(effect(b, UI_COMMAND));

    type(b, "c90<Tab>hall,site:7<Tab><Tab><Tab>2<Enter>");
    const struct ui_effect *e = effect(b, UI_COMMAND);
    assert_non_null(e);
    assert_int_equal(e->verb, VERB_CONFIG);
    assert_int_equal(e->id_count, 2);
    assert_string_equal(e->ids[0], "hall-a-001");
    assert_string_equal(e->ids[1], "hall-a-002");
    assert_true(e->set->has_interval && e->set->has_groups && !e->set->has_url);
    assert_int_equal(e->set->interval, 90);
    assert_string_equal(e->set->groups[1], "site:7");
}

static void wrong_settings_are_told_and_not_sent(void **state)
{
    static const char *const wrong[] = {
        "0", "25h", "x", "<Tab>a b", "<Tab><Tab>http://x/", "<Tab><Tab><Tab>a b"
    };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        type(b, "c");
        type(b, wrong[i]);
        assert_true(on_screen(b, " wants "));
        type(b, "<Tab><Tab><Tab><Tab><Tab><Enter>");
        assert_null(effect(b, UI_COMMAND));
        type(b, "<Esc>");
    }
    type(b, "c<Tab><Tab><Tab><Tab><Tab><Enter>");
    assert_null(effect(b, UI_COMMAND));
    assert_true(on_screen(b, "nothing to change"));
}

static void the_palette_takes_words_and_offers_them(void **state)
{
    struct bench *b = *state;

    type(b, ":sort -temp");
    assert_true(on_screen(b, "sort -temperature"));
    type(b, "<Enter>");
    assert_true(on_screen(b, "sort TEMP▴"));
    type(b, ":sort fw temp<Enter>");
    assert_true(on_screen(b, "sort firmware▴, TEMP▾"));
    type(b, ":theme mo<Enter>");
    assert_string_equal(effect(b, UI_THEME)->text, "mono");
    type(b, ":filter group:hall<Enter>");
    assert_true(on_screen(b, "1/9"));
    type(b, ":filter temp>><Enter>");
    assert_true(on_screen(b, "filter: a number is wanted here (at 6)"));
    type(b, "\\hot<Enter><Esc>:vi<Tab>");
    assert_true(on_screen(b, "show the saved view hot") || on_screen(b, "saved views"));
    type(b, "<C-u>view h<Enter>");
    assert_true(on_screen(b, "fleet › group:hall"));
    type(b, ":device lab-00<Down><Enter>");
    assert_int_equal(ui_screen(b->ui), SCREEN_DEVICE);
    assert_string_equal(ui_selected(b->ui), "lab-002");
    type(b, ":fleet<Enter>");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
    b->f->model.may_write = b->f->model.read_only = true;
    type(b, ":write<Enter>");
    assert_non_null(effect(b, UI_WRITE));
}

static void an_unknown_command_says_the_nearest(void **state)
{
    struct bench *b = *state;

    type(b, ":rebot<Enter>");
    assert_true(on_screen(b, "no command \"rebot\" here; did you mean reboot?"));
    type(b, ":qqqqqqqq<Enter>");
    assert_true(on_screen(b, "no command \"qqqqqqqq\" here"));
    assert_false(on_screen(b, "did you mean"));
}

/* Everything a key can do on a screen can be asked for by name there. */
static void every_act_is_in_the_palette(void **state)
{
    struct bench *b = *state;
    struct keymap keys;

    keymap_default(&keys);
    for (size_t i = 0; i < keys.count; i++) {
        const struct key_binding *k = &keys.binding[i];
        if (!(k->screens & 1u << SCREEN_FLEET) || k->group == GROUP_MOVE ||
            k->action == ACTION_PALETTE)
            continue;
        type(b, ":");
        type(b, action_word(k->action));
        assert_true(on_screen(b, k->help));
        type(b, "<Esc>");
    }
}

static void words_stand_where_glyphs_would(void **state)
{
    struct bench *b = *state;

    ui_set_words(b->ui, true);
    type(b, "");
    assert_true(on_screen(b, "crit     lab-004"));
    assert_true(on_screen(b, "1 crit 1"));
    for (int row = 1; row < 28; row++) {
        char line[4096];
        canvas_row(b->c, row, line, sizeof(line));
        assert_null(strpbrk(line, "?"));
        assert_null(strstr(line, "✗"));
        assert_null(strstr(line, "●"));
    }
}

/* ------------------------------------------------------------------- what outlives the run */

static void a_click_on_a_header_sorts_and_again_turns_it(void **state)
{
    struct bench *b = *state;

    type(b, "");
    click(b, "HUM");
    assert_true(on_screen(b, "sort HUM▾"));
    click(b, "HUM");
    assert_true(on_screen(b, "sort HUM▴"));
}

static void several_keys_sort_together_and_escape_undoes_them(void **state)
{
    struct bench *b = *state;

    type(b, "s<Down><Down><Down><Down><Space><Enter>");
    assert_true(on_screen(b, "sort severity, firmware▴"));
    type(b, "s<End><Space><Esc>");
    assert_true(on_screen(b, "sort severity, firmware▴"));
    type(b, "s<Home><Space><Down><Down><Down><Down>I<Enter>"); /* severity out, firmware turned */
    assert_true(on_screen(b, "sort firmware▾"));
    type(b, "s<Home><Down><Space><Enter>");
    assert_true(on_screen(b, "sort firmware▾, id▴"));
    type(b, "s<Home><Enter>"); /* Enter alone: by this one only */
    assert_true(on_screen(b, "sort severity "));
}

static void columns_sort_and_views_come_back_in_the_next_run(void **state)
{
    struct bench *b = *state;
    static char kept[UI_STATE_MAX], again[UI_STATE_MAX];

    type(b, "o<Down><Space><Down>++<Enter>"); /* no HW, FW wider */
    assert_non_null(effect(b, UI_SAVE));
    type(b, "s<End><Enter>/group:hall<Enter>2\\ahot hall<Enter>");
    assert_non_null(effect(b, UI_SAVE));
    type(b, "<Esc>0");
    ui_state_write(b->ui, kept, sizeof(kept));
    assert_non_null(strstr(kept, "columns = id fw:8 temperature"));

    struct ui *next = ui_new();
    ui_state_read(next, kept);
    ui_free(b->ui);
    b->ui = next;
    ui_state_write(next, again, sizeof(again));
    assert_string_equal(kept, again);

    type(b, "");
    assert_false(on_screen(b, "HW "));
    assert_true(on_screen(b, "sort UPTIME▾"));
    type(b, "\\<Enter>");
    assert_true(on_screen(b, "fleet › group:hall"));
    assert_true(on_screen(b, "view hot hall"));
    assert_true(on_screen(b, "1/1"));
    type(b, "I");
    assert_true(on_screen(b, "view hot hall*"));
    type(b, "\\0"); /* the usual table */
    assert_true(on_screen(b, "sort severity "));
    assert_true(on_screen(b, "HW "));
    assert_true(on_screen(b, "21 of 21"));
}

static void escape_in_the_chooser_brings_the_columns_back(void **state)
{
    struct bench *b = *state;
    char before[4096], after[4096];

    type(b, "");
    canvas_row(b->c, 4, before, sizeof(before));
    type(b, "o<Down><Space><Down><Space>J");
    assert_string_not_equal(canvas_row(b->c, 4, after, sizeof(after)), before);
    type(b, "<Esc>");
    assert_string_equal(canvas_row(b->c, 4, after, sizeof(after)), before);
    assert_null(effect(b, UI_SAVE));
    type(b, "o<Space>");
    assert_true(on_screen(b, "always shown"));
}

static void the_chooser_ticks_what_the_fleet_sends(void **state)
{
    struct bench *b = *state;

    type(b, "o"); /* beside the table, not over it */
    assert_true(on_screen(b, "[x] temperature"));
    assert_true(on_screen(b, "[ ] product"));
    assert_true(on_screen(b, "lab-001"));
    type(b, "<Down><Space>"); /* one less, not one alone */
    assert_true(on_screen(b, "[ ] hw"));
    assert_true(on_screen(b, "[x] temperature"));
    type(b, "a");
    assert_true(on_screen(b, "[x] hw"));
}

static void a_view_goes_only_after_a_second_press(void **state)
{
    struct bench *b = *state;

    type(b, "\\aone<Enter>\\Xj<Enter>\\");
    assert_true(on_screen(b, "│ one"));
    type(b, "XX");
    assert_true(on_screen(b, "view one removed"));
}

static void an_export_names_its_file_and_format_before(void **state)
{
    struct bench *b = *state;

    type(b, "/group:hall<Enter>e");
    assert_null(effect(b, UI_EXPORT));
    assert_true(on_screen(b, "export 9 rows"));
    type(b, "<Tab><Enter>");
    const struct ui_effect *e = effect(b, UI_EXPORT);
    assert_non_null(e);
    assert_false(e->csv);
    assert_string_equal(e->text, "muster-2026-11-20-140732.json");
    assert_int_equal(e->id_count, 9);
    type(b, "e<C-u>out.csv<Enter>");
    assert_true(effect(b, UI_EXPORT)->csv);
    assert_string_equal(effect(b, UI_EXPORT)->text, "out.csv");
}

static void an_export_is_of_the_marked_rows_if_there_are(void **state)
{
    struct bench *b = *state;
    char first[PROTO_ID_MAX];

    type(b, "/group:hall<Enter><Home>e<Enter>");
    snprintf(first, sizeof(first), "%s", effect(b, UI_EXPORT)->ids[0]);
    type(
        b,
        "<Space>/<C-u>id=lab-001<Enter>e"); /* and the filter hides it: it is marked all the same */
    assert_true(on_screen(b, "export 1 marked rows"));
    type(b, "<Enter>");
    assert_int_equal(effect(b, UI_EXPORT)->id_count, 1);
    assert_string_equal(effect(b, UI_EXPORT)->ids[0], first);
    type(b, "<Esc>e"); /* unmarked */
    assert_true(on_screen(b, "export 1 rows"));
}

static void the_profile_says_what_is_usual_until_somebody_chooses(void **state)
{
    struct bench *b = *state;
    static char kept[UI_STATE_MAX];
    char wrong[128];

    ui_set_usual(b->ui, "fw temp:12", "-temp hw");
    type(b, "");
    assert_true(on_screen(b, "sort TEMP"));
    assert_true(on_screen(b, "FW "));
    assert_false(on_screen(b, "HW "));
    ui_state_write(b->ui, kept, sizeof(kept));
    assert_null(strstr(kept, "sort"));
    assert_null(strstr(kept, "columns"));

    type(b, "o<Down><Space><Enter>s<Home><Enter>"); /* no FW, by severity */
    assert_false(on_screen(b, "FW "));
    ui_state_write(b->ui, kept, sizeof(kept));
    assert_non_null(strstr(kept, "columns = id temperature:12\nsort = state\n"));

    type(b, "oa<Enter>\\0"); /* as usual again */
    assert_true(on_screen(b, "sort TEMP"));
    assert_true(on_screen(b, "FW "));
    assert_false(on_screen(b, "HW "));

    assert_false(ui_usual_mistake("id:20, fw temp:12 pm2_5", false, wrong, sizeof(wrong)));
    assert_false(ui_usual_mistake("-temp fw seen", true, wrong, sizeof(wrong)));
    assert_true(ui_usual_mistake("fw:wide", false, wrong, sizeof(wrong)));
    assert_true(ui_usual_mistake("temp fw temperature", false, wrong, sizeof(wrong)));
    assert_true(ui_usual_mistake("temp fw seen hw", true, wrong, sizeof(wrong)));
    assert_string_equal(wrong, "'hw': one more than there may be");
}

static void a_filter_is_kept_without_the_blanks_around_it(void **state)
{
    struct bench *b = *state;
    static char kept[UI_STATE_MAX];

    type(b, "/ lab  <Enter>");
    ui_state_write(b->ui, kept, sizeof(kept));
    assert_non_null(strstr(kept, "past = lab\n"));
}

static void any_text_may_stand_in_the_state_file(void **state)
{
    static const char text[] =
        "columns = fw\n[fleet]\ncolumns = fw:9999 fw nope:-3 \x1b[2J seen:x id:7 , ,\n"
        "sort = -nope -state state trend a b c d\npreview\n[view \x1b]\n[view a]\nfilter = temp>>\n"
        "states = crit wrong\n[filters]\npast = x\npast =\n[view b\n[\n]\n=\n= =\n";
    struct bench *b = *state;
    static char kept[UI_STATE_MAX], again[UI_STATE_MAX];

    ui_state_read(b->ui, text);
    ui_state_write(b->ui, kept, sizeof(kept));
    assert_non_null(strstr(kept, "columns = id:7 fw nope ?[2J seen\n"));
    assert_non_null(strstr(kept, "sort = -nope -state a\n"));
    ui_state_read(b->ui, kept);
    ui_state_write(b->ui, again, sizeof(again));
    type(b, "s<End><Enter>o<Down><Space><Enter>");
    assert_true(on_screen(b, "lab-004"));
}

/* ------------------------------------------------------------------------------- properties */

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static int random_key(uint32_t *seed)
{
    static const int special[] = { K_UP,    K_DOWN,  K_PGUP,    K_PGDN, K_HOME,      K_END,
                                   K_LEFT,  K_RIGHT, K_TAB,     K_ESC,  K_BACKSPACE, K_DELETE,
                                   K_ENTER, K_ENTER, K_BACKTAB, K_F1,   K_FN(6),     0x1b00 };
    static const char letters[] = "/:?zsSRLupfwyeivqo\\\\*+-[]0123456789 gGjkKJanXIrt<>=()\"x";
    uint32_t r = next(seed);
    if (r % 3 == 0)
        return special[r / 3 % (sizeof(special) / sizeof(special[0]))];
    if (r % 29 == 1)
        return (int)(r / 29 % 31) + 1;
    if (r % 31 == 2)
        return (int)(r / 31 % 0x2fff) + 0x80;
    return letters[r / 3 % (sizeof(letters) - 1)];
}

static void check_cells(const struct canvas *c)
{
    for (int row = 0; row < c->rows; row++) {
        for (int col = 0; col < c->cols; col++) {
            const struct cell *cell = canvas_at(c, row, col);
            if (cell->cp == 0) {
                assert_true(col > 0 && canvas_at(c, row, col - 1)->width == 2);
                continue;
            }
            assert_true(cp_is_drawable(cell->cp));
            assert_int_equal(cell->width, cp_width(cell->cp));
            assert_true(!c->ascii || (cell->cp >= 0x20 && cell->cp <= 0x7e));
            assert_true(cell->role < ROLE_COUNT && cell->under < ROLE_COUNT);
        }
    }
}

static void hostile_messages(struct fixture *f, uint32_t *seed)
{
    static const char *const bodies[] = {
        ("{\"state\":\"online\",\"fw\":\"\\u001b[2J\",\"product\":\"\\u202eevil\",\"hw\":"
         "\"\\u0007\","
         "\"boot\":\"aa\",\"groups\":[\"\\u009b31m\",\"\xf0\x9f\x92\xa3\",\"e\xcc\x81\"]}"),
        "{\"temperature\":1e308,\"\\u001b]0;x\\u0007\":1,\"\xe6\xb0\xb4\":2,\"humidity\":-1e300}",
        "{\"temperature\":\"nan\",\"co2\":1e-320,\"rssi\":99999999999}",
        "error \x1b[31mred\x1b[0m \xc2\x9b \xe2\x80\xae \xff\xfe \x7f end",
        "{\"state\":\"failed\",\"reason\":\"no\",\"to\":\"\\u001b[5m\",\"detail\":\"\\u0085\","
        "\"n\":1}",
    };
    static const char *const topics[] = { "status",     "telemetry/\x1b[1m", "log",
                                          "ota/report", "telemetry/x",       "reply/reboot" };
    static const char *const ids[] = { "evil-1", "hall-a-001", "lab-002" };
    char topic[128], body[512];
    snprintf(topic, sizeof(topic), "devices/%s/%s", ids[next(seed) % 3], topics[next(seed) % 6]);
    snprintf(body, sizeof(body), "%s", bodies[next(seed) % 5]);
    size_t len = strlen(body);
    if (next(seed) % 2)
        body[next(seed) % len] = (char)next(seed);
    fixture_message(f, topic, body, len, next(seed) % 4 == 0);
}

/* Whatever is typed and whatever devices send: cells stay clean, and a dangerous effect comes only
 * from a dialog that named what it would do. */
static void no_sequence_of_keys_or_messages_escapes(void **state)
{
    struct bench *b = *state;
    static const int sizes[][2] = { { 24, 80 }, { 1, 1 },   { 10, 40 }, { 40, 120 },
                                    { 3, 200 }, { 60, 13 }, { 15, 60 }, { 60, 200 } };
    uint32_t seed = 20261120;

    for (int run = 0; run < 6; run++) {
        struct ui *ui = ui_new();
        struct canvas *c = canvas_new(24, 80, run % 2 == 1);
        for (int i = 0; i < 1500; i++) {
            struct ui_event ev = { .kind = UI_KEY, .key = random_key(&seed) };
            struct ui_effects fx;
            if (i % 50 == 49) {
                size_t at = next(&seed) % (sizeof(sizes) / sizeof(sizes[0]));
                canvas_resize(c, sizes[at][0], sizes[at][1]);
                ev = (struct ui_event){ .kind = UI_RESIZE, .row = c->rows, .col = c->cols };
            } else if (i % 17 == 16) {
                ev = (struct ui_event){ .kind = UI_MOUSE,
                                        .mouse = (enum ui_mouse)(next(&seed) % 4),
                                        .row = (int)(next(&seed) % 64),
                                        .col = (int)(next(&seed) % 210) };
            } else if (i % 41 == 40) {
                ev = (struct ui_event){ .kind = UI_PASTE };
                snprintf(ev.paste, sizeof(ev.paste), "a\x1b[31m\xc2\x9b paste");
            }
            if (i % 7 == 0)
                hostile_messages(b->f, &seed);
            if (i % 11 == 0)
                fixture_pass(b->f, 900);
            ui_step(ui, &ev, &b->f->model, &fx);
            assert_true(fx.count <= UI_EFFECTS);
            for (size_t k = 0; k < fx.count; k++) {
                bool enter = ev.kind == UI_KEY && ev.key == K_ENTER;
                enum ui_effect_kind kind = fx.item[k].kind;
                if (kind == UI_START_ROLLOUT || kind == UI_ABORT_ROLLOUT ||
                    kind == UI_RESUME_ROLLOUT || kind == UI_ROLLBACK_ROLLOUT ||
                    kind == UI_APPROVE_ROLLOUT || kind == UI_RETRY_ROLLOUT ||
                    kind == UI_SET_ROLLOUT ||
                    (kind == UI_COMMAND && fx.item[k].verb != VERB_IDENTIFY))
                    assert_true(enter);
                bool devices = kind != UI_EXPORT || fx.item[k].rows == UI_ROWS_DEVICES;
                for (size_t n = 0; devices && n < fx.item[k].id_count; n++)
                    assert_int_not_equal(fleet_find(b->f->fleet, fx.item[k].ids[n]), FLEET_NONE);
            }
            if (i % 3 == 0 || i % 50 == 49) {
                ui_draw(ui, &b->f->model, c);
                check_cells(c);
                assert_in_range(c->cursor_row, 0, c->rows - 1);
                assert_in_range(c->cursor_col, 0, c->cols - 1);
            }
        }
        canvas_free(c);
        ui_free(ui);
    }
}

/* ---------------------------------------------------- acts hit what was shown, and nothing else */

/* What a person could know: the ids in the picture's rows that are under the cursor or marked. */
struct seen {
    char cursor[PROTO_ID_MAX]; /* "" when the selected row is not in the picture */
    struct canvas *picture;
};

static bool picture_says(const struct seen *seen, const char *text)
{
    char line[4096];
    for (int row = 0; row < seen->picture->rows; row++) {
        if (strstr(canvas_row(seen->picture, row, line, sizeof(line)), text))
            return true;
    }
    return false;
}

/* The row behind the ▸, read from the cells and not from the program's memory. */
static void look(struct seen *seen, enum screen_id screen)
{
    char line[4096];
    seen->cursor[0] = '\0';
    for (int row = 0; row < seen->picture->rows && screen == SCREEN_FLEET; row++) {
        canvas_row(seen->picture, row, line, sizeof(line));
        const char *arrow = strstr(line, " ▸ ");
        if (!arrow || arrow != line)
            continue;
        const char *id = arrow + strlen(" ▸ ");
        id += strcspn(id, "✗▲○⇡●?"); /* skips blanks and the state's glyph, byte by byte */
        while (*id && ((unsigned char)*id >= 0x80 || *id == ' ' || *id == '?'))
            id++;
        snprintf(seen->cursor, sizeof(seen->cursor), "%.*s", (int)strcspn(id, " "), id);
    }
}

/* Devices come, go, turn bad and recover between two pictures and after the last one. */
static void stir(struct fixture *f, uint32_t *seed)
{
    static const char *const states[] = { "offline", "{\"state\":\"online\",\"interval\":600}",
                                          "" };
    static const char *const reports[] = { "failed", "rolled_back", "downloading", "done" };
    char topic[96], body[160];
    uint32_t n = next(seed) % fleet_span(f->fleet);
    const struct fleet_device *d = fleet_device(f->fleet, n);
    if (next(seed) % 6 == 0)
        snprintf(topic, sizeof(topic), "devices/new-%u/status", next(seed) % 8);
    else
        snprintf(topic, sizeof(topic), "devices/%s/status", d ? d->id : "new-0");
    const char *state = states[next(seed) % 3];
    bool gone = !*state && strncmp(topic, "devices/new-", 12) == 0; /* cleared: forgotten */
    if (*state || gone)
        fixture_message(f, topic, state, strlen(state), gone);
    if (d && next(seed) % 2) {
        snprintf(topic, sizeof(topic), "devices/%s/ota/report", d->id);
        snprintf(body, sizeof(body),
                 "{\"rollout\":\"r-x\",\"attempt\":1,\"state\":\"%s\",\"reason\":\"none\","
                 "\"from\":\"1\",\"to\":\"2\",\"n\":%u}",
                 reports[next(seed) % 4], next(seed));
        fixture_message(f, topic, body, strlen(body), false);
    }
}

static bool is_act_on_devices(const struct ui_effect *e)
{
    return e->kind == UI_COMMAND;
}

/* Identify acts at once: the one under the cursor in the last picture, or the marked ones whose
 * number that picture said. The others come from a dialog that named them. */
static void check_act(const struct seen *seen, const struct ui_effect *e, bool from_fleet)
{
    char text[80];
    assert_true(e->id_count > 0);
    if (e->verb == VERB_IDENTIFY && from_fleet) {
        snprintf(text, sizeof(text), "%zu marked", e->id_count);
        bool marked = picture_says(seen, text);
        if (!marked && e->id_count == 1)
            assert_string_equal(e->ids[0], seen->cursor);
        else if (!marked)
            fail_msg("%zu devices were asked, and the picture did not say so", e->id_count);
        return;
    }
    if (e->verb == VERB_IDENTIFY)
        return; /* the open device: its id is the title of its screen */
    snprintf(text, sizeof(text), "%zu device", e->id_count);
    assert_true(picture_says(seen, text));
    for (size_t i = 0; i < e->id_count && i < 5; i++)
        assert_true(picture_says(seen, e->ids[i]));
}

static void no_sequence_of_keys_acts_on_what_was_not_shown(void **state)
{
    struct bench *b = *state;
    static const char keys[] =
        "rrciiyuU  **vjjkkgG\t\t\r\r\r12345067890sIfz/lab\r\033\033q:reboot\r";
    struct seen seen = { .picture = canvas_new(40, 120, false) };
    uint32_t seed = 4711, acts = 0;

    ui_draw(b->ui, &b->f->model, seen.picture);
    for (int i = 0; i < 12000; i++) {
        struct ui_event ev = { .kind = UI_KEY, .key = keys[next(&seed) % (sizeof(keys) - 1)] };
        struct ui_effects fx;
        look(&seen, ui_screen(b->ui));
        bool fleet = ui_screen(b->ui) == SCREEN_FLEET;
        if (next(&seed) % 3 == 0) /* the world turns after the picture and before the key */
            stir(b->f, &seed);
        if (next(&seed) % 5 == 0)
            ev.key = next(&seed) % 2 ? K_DOWN : K_UP;
        if (next(&seed) % 6 == 0) /* a click anywhere, and often on the keys at the foot */
            ev = (struct ui_event){ .kind = UI_MOUSE,
                                    .mouse = (enum ui_mouse)(next(&seed) % 4),
                                    .row = (int)(next(&seed) % 2 ? next(&seed) % 40 : 38),
                                    .col = (int)(next(&seed) % 120) };
        ui_step(b->ui, &ev, &b->f->model, &fx);
        for (size_t k = 0; k < fx.count; k++) {
            if (!is_act_on_devices(&fx.item[k]))
                continue;
            check_act(&seen, &fx.item[k], fleet);
            acts++;
        }
        if (i % 7 == 0)
            fixture_pass(b->f, 700);
        ui_draw(b->ui, &b->f->model, seen.picture);
    }
    assert_true(acts > 80); /* or it proved nothing */
    canvas_free(seen.picture);
}

#define KEYS(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS(a_reboot_hits_exactly_the_device_that_was_shown),
        KEYS(an_act_keeps_its_ids_when_the_fleet_moves_under_the_dialog),
        KEYS(many_devices_need_their_number_typed),
        KEYS(enter_alone_never_executes_a_dangerous_act),
        KEYS(a_read_only_console_says_why_and_does_nothing),
        KEYS(a_theme_is_shown_at_once_and_kept_or_taken_back),
        KEYS(a_prod_console_acts_only_when_asked_to),
        KEYS(a_rollout_starts_with_the_devices_of_its_preview),
        KEYS(what_was_typed_to_start_is_void_after_a_change),
        KEYS(a_wrong_plan_cannot_be_started),
        KEYS(abort_wants_the_name_of_the_rollout),
        KEYS(the_dialog_reads_all_that_a_plan_has),
        KEYS(a_mistake_is_named_at_its_field),
        KEYS(a_template_fills_the_fields),
        KEYS(more_marks_than_a_filter_names_are_a_target_still),
        KEYS(a_closed_window_says_when_the_first_order_goes_out),
        KEYS(an_approval_takes_a_remark_and_a_second_person),
        KEYS(retry_names_the_cause_and_wants_the_number),
        KEYS(caps_sets_only_what_was_changed),
        KEYS(a_rollout_that_is_over_can_only_be_rolled_back),
        KEYS(abort_may_also_roll_back_what_has_switched),
        KEYS(a_name_typed_for_one_choice_is_void_for_another),
        KEYS(the_selected_rollout_stays_selected_when_a_newer_one_comes),
        KEYS(a_click_selects_a_rollout_and_a_second_one_opens_it),
        KEYS(an_old_rollout_is_loaded_when_it_is_opened),
        KEYS(enter_on_a_stage_lists_its_devices_and_again_opens_one),
        KEYS(space_pauses_at_once_and_resumes_after_a_question),
        KEYS(escape_backs_out_and_never_quits),
        KEYS(q_goes_back_and_quits_only_at_the_top),
        KEYS(quitting_while_a_rollout_runs_here_asks),
        KEYS(the_selection_is_a_device_and_not_a_row),
        KEYS(rows_hold_still_after_a_cursor_key),
        KEYS(half_a_word_never_blanks_the_list),
        KEYS(letters_that_may_become_a_field_wait),
        KEYS(a_word_of_another_field_is_pointed_out),
        KEYS(the_selected_row_comes_back_with_the_filter),
        KEYS(half_a_value_does_not_blank_it_either),
        KEYS(tab_fills_fields_and_values),
        KEYS(up_brings_back_the_filters_typed_before),
        KEYS(text_fields_take_keys_first),
        KEYS(opening_a_device_watches_it_and_leaving_stops),
        KEYS(sorting_by_a_reading_shows_its_trend),
        KEYS(a_frozen_picture_stays_and_takes_no_acts),
        KEYS(a_terminal_can_be_had_back_and_redrawn_from_everywhere),
        KEYS(freezing_twice_before_a_picture_is_as_if_never),
        KEYS(a_frozen_rollout_takes_no_acts_either),
        KEYS(the_tail_pauses_and_counts_what_it_hides),
        KEYS(a_click_in_the_lines_at_the_foot_is_the_key),
        KEYS(other_keys_do_what_the_profile_says),
        KEYS(settings_go_to_the_devices_that_were_listed),
        KEYS(wrong_settings_are_told_and_not_sent),
        KEYS(the_palette_takes_words_and_offers_them),
        KEYS(an_unknown_command_says_the_nearest),
        KEYS(every_act_is_in_the_palette),
        KEYS(words_stand_where_glyphs_would),
        KEYS(a_click_on_a_header_sorts_and_again_turns_it),
        KEYS(several_keys_sort_together_and_escape_undoes_them),
        KEYS(columns_sort_and_views_come_back_in_the_next_run),
        KEYS(the_profile_says_what_is_usual_until_somebody_chooses),
        KEYS(escape_in_the_chooser_brings_the_columns_back),
        KEYS(the_chooser_ticks_what_the_fleet_sends),
        KEYS(a_view_goes_only_after_a_second_press),
        KEYS(an_export_names_its_file_and_format_before),
        KEYS(an_export_is_of_the_marked_rows_if_there_are),
        KEYS(a_filter_is_kept_without_the_blanks_around_it),
        KEYS(any_text_may_stand_in_the_state_file),
        KEYS(no_sequence_of_keys_acts_on_what_was_not_shown),
        KEYS(no_sequence_of_keys_or_messages_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
