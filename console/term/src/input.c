#include "internal.h"

#include <string.h>
#include <wchar.h>

#include "base/text.h"

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

/* What stands between the brackets of a paste, cut to what an event holds. */
static void paste(struct ui_event *out)
{
    size_t used = 0;
    wint_t c;
    int kind, patience = 100; /* the rest may still be on its way */

    *out = (struct ui_event){ .kind = UI_PASTE };
    for (;;) {
        kind = get_wch(&c);
        if (kind == ERR) {
            if (--patience <= 0)
                return;
            napms(1);
            continue;
        }
        if (kind == KEY_CODE_YES && c == PASTE_END)
            return;
        char utf8[4];
        size_t len = kind == OK ? utf8_encode((uint32_t)c, utf8) : 0;
        if (c >= 32 && c != 127 && used + len < sizeof(out->paste)) {
            memcpy(out->paste + used, utf8, len);
            used += len;
            out->paste[used] = '\0';
        }
    }
}

/*
 * After an ESC that began nothing curses knows. A control sequence is swallowed whole, or its
 * letters would be taken for keys and act. Returns true when ESC was a key of its own.
 */
static bool lone_escape(void)
{
    wint_t c;
    int kind = get_wch(&c);
    if (kind == ERR)
        return true;
    if (kind == OK && (c == '[' || c == 'O')) {
        while (get_wch(&c) == OK && (c < 0x40 || c > 0x7e))
            ;
        return false;
    }
    if (kind == OK)
        unget_wch((wchar_t)c); /* Esc and a key, typed or sent together */
    else
        ungetch((int)c);
    return true;
}

int input_read(struct term *t, struct ui_event *out)
{
    (void)t;
    for (;;) {
        wint_t c;
        int kind = get_wch(&c);
        if (kind == ERR)
            return 0;
        *out = (struct ui_event){ .kind = UI_KEY };
        if (kind == KEY_CODE_YES) {
            if (c == KEY_MOUSE) {
                if (mouse(out))
                    return 1;
            } else if (c == PASTE_START) {
                paste(out);
                return 1;
            } else if ((out->key = special(c)) != 0) {
                return 1;
            }
        } else if (c == 27) {
            out->key = K_ESC;
            if (lone_escape())
                return 1;
        } else if (c != 0) {
            out->key = c == '\n' || c == '\r' ? K_ENTER : c == 8 ? K_BACKSPACE : (int)c;
            return 1;
        }
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
        { "\033[F", KEY_END },   { "\033OF", KEY_END },
    };

    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
        define_key(spellings[i].sequence, spellings[i].key);
}

void input_setup(void)
{
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    meta(stdscr, TRUE);
    set_escdelay(25);
    typeahead(-1);
    define_spellings();
    define_key("\033[200~", PASTE_START);
    define_key("\033[201~", PASTE_END);
}
