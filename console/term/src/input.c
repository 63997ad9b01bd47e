#include "internal.h"

#include <string.h>
#include <wchar.h>

#include "base/text.h"

#define PASTE_MS    2000 /* silence in the middle of a paste after which it is given up */
#define SEQUENCE_MS 3000 /* the longest that a sequence may take */
#define LATE_MS     200  /* the rest of a sequence behind an ESC that was given as a key */

/* curses' key codes as ours; 0 for those that mean nothing here. */
static int special(wint_t code)
{
    static const struct {
        int curses, ours;
    } keys[] = {
        { KEY_UP, K_UP },       { KEY_DOWN, K_DOWN },    { KEY_LEFT, K_LEFT },
        { KEY_RIGHT, K_RIGHT }, { KEY_PPAGE, K_PGUP },   { KEY_NPAGE, K_PGDN },
        { KEY_HOME, K_HOME },   { KEY_END, K_END },      { KEY_IC, K_INSERT },
        { KEY_DC, K_DELETE },   { KEY_BTAB, K_BACKTAB }, { KEY_BACKSPACE, K_BACKSPACE },
        { KEY_ENTER, K_ENTER }, { KEY_FIND, K_HOME },    { KEY_SELECT, K_END },
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if ((wint_t)keys[i].curses == code)
            return keys[i].ours;
    }
    if (code >= (wint_t)KEY_F(1) && code <= (wint_t)KEY_F(12))
        return K_FN((int)code - KEY_F(1) + 1);
    return 0;
}

static bool mouse(struct ui_event *out)
{
    MEVENT m;
    if (getmouse(&m) != OK)
        return false;
    *out = (struct ui_event){ .kind = UI_MOUSE, .row = m.y, .col = m.x };
    if (m.bstate & BUTTON1_DOUBLE_CLICKED)
        out->mouse = UI_DOUBLE_CLICK;
    else if (m.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED))
        out->mouse = UI_CLICK;
    else if (m.bstate & BUTTON4_PRESSED)
        out->mouse = UI_WHEEL_UP;
    else if (m.bstate & BUTTON5_PRESSED)
        out->mouse = UI_WHEEL_DOWN;
    else
        return false;
    return true;
}

/* ---- what comes in pieces: pastes, control sequences, strings ---- */

static const char paste_start[] = "200~", paste_end[] = "\033[201~";

static void begin(struct input *in, enum input_in what)
{
    in->in = what;
    in->since_ms = term_clock_ms();
    in->control_len = 0;
    in->escaped = false;
    in->skip = 0;
}

static void begin_paste(struct input *in)
{
    begin(in, INPUT_PASTE);
    in->paste = (struct ui_event){ .kind = UI_PASTE };
    in->used = in->matched = 0;
}

static void keep_pasted(struct input *in, wint_t c)
{
    char utf8[4];
    size_t len = utf8_encode((uint32_t)c, utf8);

    if (c < 32 || c == 127 || in->used + len >= sizeof(in->paste.paste))
        return;
    memcpy(in->paste.paste + in->used, utf8, len);
    in->used += len;
    in->paste.paste[in->used] = '\0';
}

/* The mark at the end may have come in pieces, and then it is characters like the rest. */
static bool is_pasted_end(struct input *in, wint_t c)
{
    if (c != (wint_t)paste_end[in->matched])
        in->matched = 0;
    if (c != (wint_t)paste_end[in->matched])
        return false;
    if (in->matched == 0)
        in->before = in->used;
    if (paste_end[++in->matched])
        return false;
    in->used = in->before;
    in->paste.paste[in->used] = '\0';
    return true;
}

/* True when the paste is over. */
static bool paste(struct input *in, int kind, wint_t c)
{
    in->since_ms = term_clock_ms(); /* a long one may take long */
    if (kind == KEY_CODE_YES)
        return c == PASTE_END;
    if (is_pasted_end(in, c))
        return true;
    keep_pasted(in, c);
    return false;
}

/* Behind "ESC [": swallowed up to its last letter, or that would be taken for keys and act. */
static void control(struct input *in, int kind, wint_t c)
{
    if (kind != OK || c < 0x20 || c > 0x7e) {
        in->in = INPUT_KEYS;
        return;
    }
    if (in->control_len + 1 < sizeof(in->control)) {
        in->control[in->control_len++] = (char)c;
        in->control[in->control_len] = '\0';
    }
    if (c < 0x40 || (c == '[' && in->control_len == 1))
        return;
    in->in = INPUT_KEYS;
    if (strcmp(in->control, paste_start) == 0) {
        begin_paste(in);
    } else if (strcmp(in->control, "M") == 0) { /* a mouse of before SGR: three bytes follow */
        begin(in, INPUT_SKIP);
        in->skip = 3;
    }
}

/* A string (OSC, DCS, APC), as terminals answer with: up to BEL or ESC \. */
static void string(struct input *in, int kind, wint_t c)
{
    bool first = in->control_len++ == 0;

    if (kind != OK || c == 7 || c == 0x18 || (in->escaped && c == '\\'))
        in->in = INPUT_KEYS;
    else if (first && !wcschr(L"0123456789>!|G", (wchar_t)c)) /* Alt and a key, not an answer */
        in->in = INPUT_KEYS;
    else if (in->escaped && c == '[') /* what comes next has begun, without an end to this */
        begin(in, INPUT_CONTROL);
    in->escaped = c == 27;
}

/* Takes a character that is no key; true when an event is complete. */
static bool piece(struct input *in, int kind, wint_t c, struct ui_event *out)
{
    switch (in->in) {
    case INPUT_PASTE:
        if (!paste(in, kind, c))
            return false;
        in->in = INPUT_KEYS;
        *out = in->paste;
        return true;
    case INPUT_CONTROL:
        control(in, kind, c);
        return false;
    case INPUT_STRING:
        string(in, kind, c);
        return false;
    case INPUT_SKIP:
        if (--in->skip == 0)
            in->in = INPUT_KEYS;
        return false;
    case INPUT_KEYS:
        break;
    }
    return false;
}

/* Nothing is there, and has not been for so long that keys count again; true when a paste is given
 * up. */
static bool give_up(struct input *in, struct ui_event *out)
{
    int64_t most = in->in == INPUT_PASTE ? PASTE_MS : SEQUENCE_MS;
    bool pasted = in->in == INPUT_PASTE;

    if (in->in == INPUT_KEYS || term_clock_ms() - in->since_ms < most)
        return false;
    in->in = INPUT_KEYS;
    *out = in->paste;
    return pasted;
}

/* After an ESC that began nothing curses knows. Returns true when it was a key of its own. */
static bool lone_escape(struct input *in)
{
    wint_t c;
    int kind = get_wch(&c);
    if (kind == ERR) {
        in->escape_ms = term_clock_ms();
        return true;
    }
    if (kind == OK && (c == '[' || c == ']' || c == 'P' || c == '_')) {
        begin(in, c == '[' ? INPUT_CONTROL : INPUT_STRING);
        return false;
    }
    if (kind == OK && c == 'O') {
        begin(in, INPUT_SKIP);
        in->skip = 1;
        return false;
    }
    if (kind == OK)
        unget_wch((wchar_t)c); /* Esc and a key, typed or sent together */
    else
        ungetch((int)c);
    return true;
}

/* ESC came, was given as a key since nothing followed, and now its sequence goes on: the line is
 * slow, since nobody types that fast. */
static bool is_late(struct input *in, wint_t c)
{
    bool late =
        (c == '[' || c == ']') && in->escape_ms && term_clock_ms() - in->escape_ms < LATE_MS;

    in->escape_ms = 0;
    if (late)
        begin(in, c == '[' ? INPUT_CONTROL : INPUT_STRING);
    return late;
}

/* True when it makes an event. */
static bool character(struct input *in, wint_t c, struct ui_event *out)
{
    if (c == 27) {
        out->key = K_ESC;
        return lone_escape(in);
    }
    if (c == 0 || is_late(in, c))
        return false;
    out->key = c == '\n' || c == '\r' ? K_ENTER : c == 8 ? K_BACKSPACE : (int)c;
    return true;
}

static bool function_key(struct input *in, wint_t c, struct ui_event *out)
{
    if (c == KEY_MOUSE)
        return mouse(out);
    if (c == PASTE_START)
        begin_paste(in);
    out->key = special(c);
    return out->key != 0;
}

int input_read(struct term *t, struct ui_event *out)
{
    struct input *in = &t->input;
    wint_t c;

    for (;;) {
        int kind = get_wch(&c);
        if (kind == ERR)
            return give_up(in, out);
        if (in->in != INPUT_KEYS) {
            if (piece(in, kind, c, out))
                return 1;
            continue;
        }
        *out = (struct ui_event){ .kind = UI_KEY };
        if (kind == KEY_CODE_YES ? function_key(in, c, out) : character(in, c, out))
            return 1;
    }
}

/* Terminals and multiplexers spell these in more ways than the description of any one of them says.
 */
static void define_spellings(void)
{
    static const struct {
        const char *sequence;
        int key;
    } spellings[] = {
        { "\033[1~", KEY_HOME }, { "\033[7~", KEY_HOME }, { "\033[H", KEY_HOME },
        { "\033OH", KEY_HOME },  { "\033[4~", KEY_END },  { "\033[8~", KEY_END },
        { "\033[F", KEY_END },   { "\033OF", KEY_END },   { "\033[A", KEY_UP },
        { "\033OA", KEY_UP },    { "\033[B", KEY_DOWN },  { "\033OB", KEY_DOWN },
        { "\033[C", KEY_RIGHT }, { "\033OC", KEY_RIGHT }, { "\033[D", KEY_LEFT },
        { "\033OD", KEY_LEFT },
    };

    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
        define_key(spellings[i].sequence, spellings[i].key);
}

/* Some descriptions (linux, putty, cygwin) call ^Z a key "suspend"; vt300 calls Tab "next". A
 * control character that would be a key nobody asks for stays what it is. */
static void undefine_controls(void)
{
    for (char c = 1; c < 32; c++) {
        const char sequence[2] = { c, '\0' };
        int code = key_defined(sequence);
        if (code > 0 && !special((wint_t)code))
            define_key(sequence, 0);
    }
}

void input_setup(void)
{
    raw(); /* curses' own view; the modes themselves are signals_modes_on()'s */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    meta(stdscr, TRUE);
    set_escdelay(25);
    typeahead(-1);
    define_spellings();
    undefine_controls();
    define_key("\033[200~", PASTE_START);
    define_key("\033[201~", PASTE_END);
}
