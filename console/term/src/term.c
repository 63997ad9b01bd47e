#include "internal.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/text.h"
#include "describe.h"

#define SYNC_CELLS  60      /* a frame that changes more is wrapped in synchronised output */
#define COPY_BEHIND 1048576 /* bytes that may wait before a copy is refused */
#define LEAVE_MS    200     /* how long leaving waits for a terminal that is slow */

/* ------------------------------------------------------------------------------ open, close */

/* Terminals that Debian's base terminfo does not have and that do all xterm does. */
static bool like_xterm(const char *type)
{
    static const char *const known[] = { "xterm",   "kitty",   "ghostty", "alacritty", "foot",
                                         "wezterm", "contour", "konsole", "gnome",     "vte",
                                         "iterm",   "st-",     "rxvt" };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strstr(type, known[i]))
            return true;
    }
    return getenv("COLORTERM") != NULL;
}

static bool can_place_cursor(void)
{
    const char *cup = tigetstr("cup");
    return cup && cup != (const char *)-1;
}

/* initscr() would exit on a TERM it does not know; this goes on with something simpler. */
static SCREEN *open_screen(FILE *to, struct term_facts *facts)
{
    const char *type = getenv("TERM");
    const char *tries[5] = { type, NULL, NULL, NULL, NULL };
    size_t count = 1;
    if (!type || like_xterm(type))
        tries[count++] = "xterm-256color";
    tries[count++] = "xterm";
    tries[count++] = "vt100";

    for (size_t i = 0; i < count; i++) {
        if (!tries[i] || !*tries[i])
            continue;
        const char *kind = describe(tries[i]);
        SCREEN *screen = newterm(kind, to, stdin);
        if (!screen)
            continue;
        if (can_place_cursor()) {
            facts->reduced = i > 0 || kind != tries[i];
            text_copy(facts->type, sizeof(facts->type), kind);
            return screen;
        }
        endwin();
        delscreen(screen);
        return NULL; /* known, and it can't: "dumb" means it */
    }
    return NULL;
}

static bool locale_is_utf8(const struct term_options *o)
{
    setlocale(LC_CTYPE, "");
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!utf8 && o->utf8)
        utf8 = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
    const char *type = getenv("TERM");
    if (type && strcmp(type, "linux") == 0 && !o->utf8)
        utf8 = false; /* its font has neither braille nor most glyphs */
    return utf8 && !o->ascii;
}

/* With the mouse asked for, GNU screen (4.9) keeps an Esc back until the next key. tmux inside it
 * inherits STY. */
static bool mouse_costs_esc(void)
{
    return getenv("STY") && !getenv("TMUX");
}

static void setup_colours(struct term *t, bool no_color)
{
    if (no_color || !has_colors() || start_color() == ERR)
        return;
    use_default_colors();
    t->facts.colours = COLORS >= 256 ? 256 : COLORS >= 16 ? 16 : COLORS >= 8 ? 8 : 0;
}

static void modes_on(struct term *t)
{
    signals_modes_on();
    input_setup();
    if (t->facts.mouse) {
        mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED |
                      BUTTON5_PRESSED,
                  NULL);
        mouseinterval(0);
    }
    out_text(&t->out, "\033[?2004h"); /* who does not know it, ignores it */
    curs_set(1);
    t->cursor_shown = true;
    out_take(&t->out);
}

/* What the kernel says; a serial line says nothing, and then it is what the description says. */
static bool kernel_size(int *rows, int *cols)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return false;
    *rows = size.ws_row;
    *cols = size.ws_col;
    return true;
}

static void open_grid(struct term *t)
{
    free(t->shown);
    t->shown = mem_array((size_t)t->rows * (size_t)t->cols, sizeof(*t->shown));
    t->all = true;
}

struct term *term_open(const struct term_options *o, struct err *err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        err_set(err, EXIT_USAGE,
                "the console needs a terminal; for scripts use `muster ls --json`");
        return NULL;
    }
    struct term *t = mem_alloc(sizeof(*t));
    if (out_open(&t->out) < 0 || signals_open(t->out.fd) < 0) {
        err_set(err, EXIT_USAGE, "cannot set the terminal up: %s", strerror(errno));
        out_close(&t->out);
        free(t);
        return NULL;
    }
    t->facts.utf8 = locale_is_utf8(o);
    t->screen = open_screen(t->out.curses, &t->facts);
    if (!t->screen) {
        const char *type = getenv("TERM");
        signals_close();
        out_close(&t->out);
        free(t);
        err_set(err, EXIT_USAGE,
                "cannot use a terminal of type \"%s\"; try TERM=xterm-256color or TERM=vt100",
                type ? type : "");
        return NULL;
    }
    theme_mono(&t->mono);
    theme_ansi(&t->ansi);
    t->facts.mouse = !o->no_mouse && !mouse_costs_esc();
    t->sync =
        !o->no_sync && strncmp(t->facts.type, "vt", 2) != 0 && strcmp(t->facts.type, "linux") != 0;
    setup_colours(t, o->no_color);
    modes_on(t);
    getmaxyx(stdscr, t->rows, t->cols);
    if (kernel_size(&t->rows, &t->cols))
        resizeterm(t->rows, t->cols);
    open_grid(t);
    return t;
}

/* The terminal as it was found. A slow one is not waited for: then what it has not taken is thrown
 * away, and the fixed string ends whatever was cut off. */
static void leave(struct term *t)
{
    bool whole = out_flush(&t->out, LEAVE_MS);

    mousemask(0, NULL);
    out_text(&t->out, "\033[?2004l");
    curs_set(1);
    /* Where there is no second screen (linux, mosh) the picture stays: room for the prompt. */
    move(t->rows - 1, 0);
    clrtoeol();
    refresh();
    endwin();
    out_take(&t->out);
    if (!signals_is_ours())
        out_drop(&t->out); /* killed while it was stopped: the shell's screen is left alone */
    else if (whole && out_flush(&t->out, LEAVE_MS))
        signals_modes_off();
    else
        signals_restore();
    out_drop(&t->out);
}

void term_close(struct term *t)
{
    if (!t)
        return;
    leave(t);
    delscreen(t->screen);
    signals_close();
    out_close(&t->out);
    free(t->shown);
    free(t);
}

const struct term_facts *term_facts(const struct term *t)
{
    return &t->facts;
}

void term_size(const struct term *t, int *rows, int *cols)
{
    *rows = t->rows;
    *cols = t->cols;
}

/* ----------------------------------------------------------------------------------- events */

void term_polls(const struct term *t, struct pollfd p[TERM_FDS])
{
    bool waits = out_waits(&t->out);

    p[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
    p[1] = (struct pollfd){ .fd = signals_fd(), .events = POLLIN };
    p[2] = (struct pollfd){ .fd = waits ? t->out.fd : -1, .events = POLLOUT };
}

/* The size as the kernel has it now; a storm of signals is read once. */
static bool take_size(struct term *t)
{
    int rows, cols;
    if (!kernel_size(&rows, &cols) || (rows == t->rows && cols == t->cols))
        return false;
    resizeterm(rows, cols);
    t->rows = rows;
    t->cols = cols;
    open_grid(t);
    return true;
}

static bool keyboard_gone(void)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    return poll(&in, 1, 0) > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL);
}

int term_read(struct term *t, struct ui_event *out)
{
    struct signals_seen seen;
    out_send(&t->out);
    if (t->out.gone)
        return -1;
    signals_take(&seen);
    if (seen.stop)
        term_suspend(t);
    if (seen.resumed) { /* stopped and continued by somebody else: the shell had the terminal */
        modes_on(t);
        t->resumed = true;
    }
    if ((seen.resized || t->resumed) && take_size(t))
        t->resized = true;
    if (t->resized) {
        t->resized = false;
        *out = (struct ui_event){ .kind = UI_RESIZE, .row = t->rows, .col = t->cols };
        return 1;
    }
    if (t->resumed) {
        t->resumed = false;
        term_redraw(t);
        *out = (struct ui_event){ .kind = UI_RESUMED };
        return 1;
    }
    int got = input_read(t, out);
    return got == 0 && keyboard_gone() ? -1 : got;
}

void term_suspend(struct term *t)
{
    leave(t);
    signals_stop_self();
    modes_on(t);
    t->resumed = true;
}

/* ------------------------------------------------------------------------------------ paint */

static int colour_number(const struct term *t, struct theme_colour colour)
{
    if (colour.kind == COLOUR_DEFAULT)
        return -1;
    if (colour.kind == COLOUR_INDEX && colour.value < t->facts.colours)
        return (int)colour.value;
    if (colour.kind == COLOUR_INDEX) /* bright-red on eight colours is red, bright-black grey */
        return colour.value < 16 && colour.value != 8 ? (int)(colour.value & 7) : 7;
    return (int)theme_nearest(colour.value, t->facts.colours);
}

static void find_style(struct term *t, enum role role, enum role under)
{
    /* Few colours: what hex values come to there is luck, so the plain sixteen are used. */
    bool few = t->facts.colours < 256 && theme_is_rgb(&t->theme);
    const struct theme *theme = t->facts.colours == 0 ? &t->mono : few ? &t->ansi : &t->theme;
    struct theme_style s = theme_resolve(theme, role, under);
    attr_t attributes = A_NORMAL;
    if (s.attributes & THEME_BOLD)
        attributes |= A_BOLD;
    if (s.attributes & THEME_DIM)
        attributes |= A_DIM;
    if (s.attributes & THEME_ITALIC)
        attributes |= A_ITALIC;
    if (s.attributes & THEME_UNDERLINE)
        attributes |= A_UNDERLINE;
    if (s.attributes & THEME_REVERSE)
        attributes |= A_REVERSE;
    int fg = colour_number(t, s.fg), bg = colour_number(t, s.bg);
    int pair = t->facts.colours && (fg >= 0 || bg >= 0) ? alloc_pair(fg, bg) : 0;
    t->style[role][under].known = true;
    t->style[role][under].attributes = attributes;
    t->style[role][under].pair = (short)(pair < 0 ? 0 : pair); /* out of pairs: plain, not wrong */
}

static void put_cell(struct term *t, int row, int col, const struct cell *cell)
{
    enum role role = (enum role)cell->role, under = (enum role)cell->under;
    wchar_t text[2] = { (wchar_t)cell->cp, L'\0' };
    cchar_t c;

    if (!t->style[role][under].known)
        find_style(t, role, under);
    /* Where libc disagrees about a width, curses would lose count of the row. */
    if (cell->cp > 0x7e && (!t->facts.utf8 || wcwidth(text[0]) != cell->width))
        text[0] = L'?';
    setcchar(&c, text, t->style[role][under].attributes, t->style[role][under].pair, NULL);
    mvadd_wch(row, col, &c);
}

/* Give curses the cells of a row that changed; how many did. */
static int show_row(struct term *t, const struct canvas *canvas, int row, int cols)
{
    const struct cell *new = &canvas->cell[(size_t)row * (size_t)canvas->cols];
    struct cell *old = &t->shown[(size_t)row * (size_t)t->cols];
    if (!t->all && memcmp(new, old, (size_t)cols * sizeof(*new)) == 0)
        return 0;
    int changed = 0;
    for (int col = 0; col < cols; col++) {
        bool same = !t->all && memcmp(&new[col], &old[col], sizeof(*new)) == 0;
        bool halves = col + 1 < cols && (new[col + 1].cp == 0 || old[col + 1].cp == 0);
        changed += !same;
        if ((!same || halves) && new[col].cp)
            put_cell(t, row, col, &new[col]);
    }
    memcpy(old, new, (size_t)cols * sizeof(*new));
    return changed;
}

bool term_ready(struct term *t)
{
    return out_send(&t->out);
}

bool term_show(struct term *t, const struct canvas *canvas, const struct theme *theme)
{
    if (!term_ready(t))
        return false;
    int rows = canvas->rows < t->rows ? canvas->rows : t->rows;
    int cols = canvas->cols < t->cols ? canvas->cols : t->cols;
    int changed = 0;

    if (memcmp(&t->theme, theme, sizeof(*theme)) != 0) {
        t->theme = *theme;
        memset(t->style, 0, sizeof(t->style));
        t->all = true;
    }
    for (int row = 0; row < rows; row++)
        changed += show_row(t, canvas, row, cols);
    t->all = false;
    if (t->cursor_shown != canvas->cursor_visible) {
        t->cursor_shown = canvas->cursor_visible;
        curs_set(canvas->cursor_visible ? 1 : 0);
    }
    move(canvas->cursor_row < t->rows ? canvas->cursor_row : 0,
         canvas->cursor_col < t->cols ? canvas->cursor_col : 0);
    /* Not for a clock that ticks: it would cost more than the change. */
    bool sync = t->sync && changed > SYNC_CELLS;
    if (sync)
        out_text(&t->out, "\033[?2026h");
    wnoutrefresh(stdscr);
    doupdate();
    if (sync)
        out_text(&t->out, "\033[?2026l");
    out_take(&t->out);
    out_send(&t->out);
    return true;
}

void term_redraw(struct term *t)
{
    t->all = true;
    clearok(curscr, TRUE);
}

/* -------------------------------------------------------------------------------- clipboard */

void term_bell(struct term *t)
{
    if (out_waits(&t->out)) /* a bell for each thing that happens while nobody reads is no help */
        return;
    beep();
    out_take(&t->out);
    out_send(&t->out);
}

void term_copy(struct term *t, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text);
    if (len > 8192 || t->facts.reduced || t->out.len > COPY_BEHIND)
        return;
    char *out = mem_alloc(len / 3 * 4 + 24);
    size_t used = 7;
    memcpy(out, "\033]52;c;", used);
    for (size_t i = 0; i < len; i += 3) {
        const unsigned char *in = (const unsigned char *)text + i;
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits =
            (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);
        for (size_t k = 0; k < 4; k++)
            out[used++] = k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    out[used++] = '\a';
    out_text(&t->out, out);
    out_send(&t->out);
    free(out);
}
