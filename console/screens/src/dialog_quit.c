#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Quitting the console that drives a rollout: nothing is lost either way, but somebody should know
 * what goes on without it. */

static const struct {
    const char *word, *does;
} choices[QUIT_CHOICES] = {
    [QUIT_STAY] = { "Stay", "" },
    [QUIT_HAND_OVER] = { "Hand over", "a muster serve in the background drives it on" },
    [QUIT_PAUSE] = { "Pause", "nobody new is told, who still waits is called back" },
    [QUIT_LEAVE] = { "Just quit", "no stage advances and no gate stops it until muster runs" },
};

/* States in which time or a report can still do something. */
static bool moves(const struct rollout *r)
{
    return r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_FINISHING ||
           r->state == ROLLOUT_ABORTING;
}

bool quit_open(struct ui *ui, const struct ui_model *m)
{
    struct quit_menu *q = &ui->quit;

    *q = (struct quit_menu){ .row = QUIT_STAY };
    for (size_t i = 0; i < m->rollout_count && !m->engine; i++) {
        if (!moves(m->rollouts[i]))
            continue;
        if (q->count++ == 0) {
            text_copy(q->id, sizeof(q->id), m->rollouts[i]->id);
            q->state = m->rollouts[i]->state;
        }
    }
    if (q->count == 0)
        return false;
    ui->dialog = DIALOG_QUIT;
    return true;
}

static void choose(struct step *s)
{
    static const enum ui_effect_kind effect[QUIT_CHOICES] = {
        [QUIT_HAND_OVER] = UI_HAND_OVER, [QUIT_PAUSE] = UI_PAUSE_AND_QUIT, [QUIT_LEAVE] = UI_QUIT
    };

    s->ui->dialog = DIALOG_NONE;
    if (s->ui->quit.row != QUIT_STAY)
        ui_effect(s, effect[s->ui->quit.row]);
}

static void quit_event(struct step *s, const struct ui_event *ev)
{
    int row = (int)s->ui->quit.row;

    if (ev->kind != UI_KEY)
        return;
    switch (ev->key) {
    case K_ESC:
    case K_CTRL('C'):
    case 'q':
        s->ui->dialog = DIALOG_NONE;
        return;
    case K_ENTER:
        choose(s);
        return;
    case K_DOWN:
    case K_TAB:
    case 'j':
        row++;
        break;
    case K_UP:
    case K_BACKTAB:
    case 'k':
        row += QUIT_CHOICES - 1;
        break;
    default:
        break;
    }
    s->ui->quit.row = (enum quit_choice)(row % QUIT_CHOICES);
}

static void draw_choice(struct area a, int row, const struct quit_menu *q, enum quit_choice choice)
{
    struct area line = area_sub(a, row, 0, 1, -1);
    bool focus = q->row == choice;

    if (focus) {
        line = area_over(line, ROLE_SELECTION);
        area_pointer(line, 1);
    }
    area_text(line, 0, 3, ROLE_TEXT, choices[choice].word);
    area_text(line, 0, 14, focus ? ROLE_TEXT : ROLE_DIM, choices[choice].does);
}

static void quit_draw(struct ui *ui, const struct ui_model *m, struct area screen)
{
    const struct quit_menu *q = &ui->quit;
    int rows = QUIT_CHOICES + 5 < screen.rows ? QUIT_CHOICES + 5 : screen.rows;
    int cols = 76 < screen.cols ? 76 : screen.cols;
    struct area box =
        area_sub(screen, (screen.rows - rows) / 2, (screen.cols - cols) / 2, rows, cols);
    char line[160], more[32] = "";
    (void)m;

    if (q->count > 1)
        snprintf(more, sizeof(more), " (and %u more)", q->count - 1);
    snprintf(line, sizeof(line), "%s%s is %s, and this console drives it.", q->id, more,
             rollout_state_word(q->state));
    area_blank(box);
    area_box(box, ROLE_FOCUS, "quit while a rollout runs",
             q->row == QUIT_STAY ? "Esc or Enter: Stay" : "Enter does it   Esc: Stay");
    struct area in = area_sub(box, 1, 1, rows - 2, cols - 2);
    area_text(in, 0, 1, ROLE_TEXT, line);
    for (int i = 0; i < QUIT_CHOICES; i++)
        draw_choice(in, 2 + i, q, (enum quit_choice)i);
}

const struct dialog_ops dialog_quit = { quit_event, quit_draw };
