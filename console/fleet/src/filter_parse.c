/*
 * Text to program: recursive descent over the text itself, no token list. Every mistake has the
 * place it was found at.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "filter.h"

struct parser {
    const char *text;
    size_t at;
    unsigned depth;
    struct filter *filter;
    struct filter_error *err;
};

static const struct field_row {
    const char *name;
    enum field field;
    enum field_type type;
} fields[] = {
    { "id", FIELD_ID, TYPE_STRING },         { "state", FIELD_STATE, TYPE_STATE },
    { "product", FIELD_PRODUCT, TYPE_WORD }, { "hw", FIELD_HW, TYPE_WORD },
    { "fw", FIELD_FW, TYPE_VERSION },        { "target", FIELD_TARGET, TYPE_VERSION },
    { "slot", FIELD_SLOT, TYPE_WORD },       { "groups", FIELD_GROUPS, TYPE_WORD },
    { "group", FIELD_GROUPS, TYPE_WORD },    { "tag", FIELD_GROUPS, TYPE_WORD },
    { "seen", FIELD_SEEN, TYPE_DURATION },   { "uptime", FIELD_UPTIME, TYPE_DURATION },
    { "boots", FIELD_BOOTS, TYPE_NUMBER },   { "reset", FIELD_RESET, TYPE_STRING },
    { "alerts", FIELD_ALERTS, TYPE_NUMBER }, { "cert", FIELD_CERT, TYPE_DURATION },
    { "keyset", FIELD_KEYSET, TYPE_NUMBER }, { "ota", FIELD_OTA, TYPE_STRING },
    { "reason", FIELD_REASON, TYPE_STRING }, { "rollout", FIELD_ROLLOUT, TYPE_WORD },
    { "source", FIELD_SOURCE, TYPE_STRING }, { "rate", FIELD_RATE, TYPE_NUMBER },
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

/* Longer ones first where one begins another. */
static const struct op_row {
    const char *text;
    enum compare compare;
} ops[] = {
    { "!=", CMP_NE }, { "!~", CMP_UNLIKE }, { "<=", CMP_LE }, { ">=", CMP_GE }, { ":", CMP_HAS },
    { "=", CMP_EQ },  { "~", CMP_LIKE },    { "<", CMP_LT },  { ">", CMP_GT },
};

/* What a unit does to a number in it, in the canonical unit of protocol/reading.h. */
static const struct unit_row {
    const char *text;
    double factor;
} units[] = {
    { "Pa", 1 },
    { "hPa", 100 },
    { "kPa", 1000 },
    { "B", 1 },
    { "kB", 1024 }, /* as memory is shown */
    { "MB", 1048576 },
    { "%", 1 },
    { "C", 1 },
    { "\xc2\xb0"
      "C",
      1 },
    { "ppm", 1 },
    { "dBm", 1 },
    { "s", 1 },
    { "m", 60 },
    { "h", 3600 },
    { "d", 86400 },
    { "w", 604800 },
    { "ug/m3", 1 },
    { "\xc2\xb5g/m\xc2\xb3", 1 },
};

const char *filter_field_name(size_t n)
{
    return n < FIELD_COUNT ? fields[n].name : NULL;
}

enum field filter_field_named(const char *name)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].field;
    }
    return FIELD_READING;
}

static int mistake(struct parser *p, size_t at, size_t len, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int mistake(struct parser *p, size_t at, size_t len, const char *format, ...)
{
    char raw[160];
    va_list ap;
    va_start(ap, format);
    vsnprintf(raw, sizeof(raw), format, ap);
    va_end(ap);
    if (p->err) {
        p->err->at = at;
        p->err->len = len ? len : 1;
        text_clean(p->err->text, sizeof(p->err->text), raw, strlen(raw));
    }
    return -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct parser *p)
{
    while (is_blank(p->text[p->at]))
        p->at++;
}

/* A word of the language, alone, small or in capitals: "or", not the start of "orchid" or "or>3".
 */
static bool take_keyword(struct parser *p, const char *word, const char *capitals)
{
    size_t len = strlen(word);
    const char *at = p->text + p->at;
    if (strncmp(at, word, len) != 0 && strncmp(at, capitals, len) != 0)
        return false;
    char after = p->text[p->at + len];
    if (after && !is_blank(after) && after != '(' && after != ')')
        return false;
    p->at += len;
    return true;
}

static int emit(struct parser *p, enum op op, uint32_t arg)
{
    struct filter *f = p->filter;
    if (f->instr_count == INSTR_MAX)
        return mistake(p, p->at, 1, "too long: at most %d terms", FILTER_TERMS);
    f->instr[f->instr_count++] = (struct instr){ (uint8_t)op, (uint16_t)arg };
    return 0;
}

static void land_here(struct parser *p, uint32_t jump)
{
    p->filter->instr[jump].arg = (uint16_t)p->filter->instr_count;
}

enum { REPETITIONS_MAX = 8 };

/* ---- values --------------------------------------------------------------------------------- */

static bool has_upper(const char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            return true;
    return false;
}

static void fold(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

/*
 * regcomp() of glibc copies what is repeated: "a++++…" or nested counts take memory without bound.
 * So repetitions are few and have no counts.
 */
static bool repeats_too_much(const char *text)
{
    unsigned repetitions = 0;

    for (; *text; text++) {
        if (*text == '{')
            return true;
        repetitions += *text == '*' || *text == '+' || *text == '?';
    }
    return repetitions > REPETITIONS_MAX;
}

static int compile_regex(struct parser *p, struct filter_value *v, size_t at, size_t len)
{
    if (repeats_too_much(v->text))
        return mistake(p, at, len, "regular expression: at most %d of * + ? and no {}",
                       REPETITIONS_MAX);
    int flags = REG_EXTENDED | REG_NOSUB | (v->fold ? REG_ICASE : 0);
    int rc = regcomp(&v->re, v->text, flags);
    if (rc != 0) {
        char why[64];
        regerror(rc, &v->re, why, sizeof(why));
        return mistake(p, at, len, "regular expression: %s", why);
    }
    v->regex = true;
    return 0;
}

/* "…" or /…/ ; a backslash keeps the next byte (in a regex, itself too unless it is the slash). */
static int take_quoted(struct parser *p, char quote, struct filter_value *v)
{
    size_t start = p->at++;
    v->len = 0;
    while (p->text[p->at] != quote) {
        char c = p->text[p->at];
        if (!c)
            return mistake(p, start, p->at - start, "no closing %c", quote);
        if (c == '\\' && p->text[p->at + 1]) {
            p->at++;
            if (quote == '/' && p->text[p->at] != '/' && v->len + 1 < VALUE_MAX)
                v->text[v->len++] = c;
            c = p->text[p->at];
        }
        if (v->len + 1 >= VALUE_MAX)
            return mistake(p, start, p->at - start, "longer than %d bytes", VALUE_MAX - 1);
        v->text[v->len++] = c;
        p->at++;
    }
    p->at++;
    v->text[v->len] = '\0';
    v->fold = !has_upper(v->text);
    return quote == '/' ? compile_regex(p, v, start, p->at - start) : 0;
}

static int take_bare(struct parser *p, const char *stop, struct filter_value *v)
{
    size_t start = p->at;
    size_t len = strcspn(p->text + start, stop);
    if (len == 0)
        return mistake(p, start, 1, "a value is wanted here");
    if (!text_copy_n(v->text, sizeof(v->text), p->text + start, len))
        return mistake(p, start, len, "longer than %d bytes", VALUE_MAX - 1);
    p->at += len;
    v->len = len;
    v->fold = !has_upper(v->text);
    return 0;
}

static struct filter_value *new_value(struct parser *p)
{
    struct filter *f = p->filter;
    if (f->value_count == VALUES_MAX) {
        mistake(p, p->at, 1, "too many values: at most %d", VALUES_MAX);
        return NULL;
    }
    return &f->value[f->value_count++];
}

static int take_value(struct parser *p, const char *stop)
{
    struct filter_value *v = new_value(p);
    if (!v)
        return -1;
    char c = p->text[p->at];
    return c == '"' || c == '/' ? take_quoted(p, c, v) : take_bare(p, stop, v);
}

static int number_of(struct filter_value *v)
{
    char digits[VALUE_MAX];
    size_t len = strspn(v->text, "+-.0123456789");
    const char *unit = v->text + len;

    if (!text_copy_n(digits, sizeof(digits), v->text, len) || !text_to_double(digits, &v->number))
        return -1;
    v->shown = !*unit;
    if (v->shown)
        return 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(units[i].text, unit) == 0) {
            v->number *= v->factor = units[i].factor;
            return 0;
        }
    }
    return text_to_double(v->text, &v->number) ? (v->shown = true, 0) : -1; /* 1e3 */
}

/* "90", "5m", "1h30m", "6d2h": seconds. */
static int duration_of(struct filter_value *v)
{
    const char *at = v->text;
    double seconds = 0;
    if (number_of(v) == 0)
        return 0;
    while (*at) {
        static const struct unit_row times[] = {
            { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 }
        };
        char digits[VALUE_MAX];
        double number;
        size_t len = strspn(at, ".0123456789"), i = 0;
        while (i < sizeof(times) / sizeof(times[0]) && at[len] != times[i].text[0])
            i++;
        if (i == sizeof(times) / sizeof(times[0]) ||
            !text_copy_n(digits, sizeof(digits), at, len) || !text_to_double(digits, &number))
            return -1;
        seconds += number * times[i].factor;
        at += len + 1;
    }
    v->shown = false;
    v->number = seconds;
    return 0;
}

static int state_of_word(const char *word)
{
    for (int i = 0; i < FLEET_STATES; i++)
        if (strcmp(fleet_state_word((enum fleet_state)i), word) == 0)
            return i;
    return -1;
}

static bool is_ordering(enum compare compare)
{
    return compare == CMP_LT || compare == CMP_LE || compare == CMP_GT || compare == CMP_GE;
}

/* A word of a row's field: its place in their order. */
static int check_level(struct parser *p, const struct term *t, struct filter_value *v, size_t at,
                       size_t len)
{
    const char *const *words = p->filter->rows->field[t->row_field].words;
    char list[64] = "";
    size_t used = 0;

    fold(v->text);
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], v->text) == 0) {
            v->number = i;
            return 0;
        }
        if (used < sizeof(list))
            used += (size_t)snprintf(list + used, sizeof(list) - used, " %s", words[i]);
    }
    return mistake(p, at, len, "one of these is wanted here:%s", list);
}

/* Give a value the form that its field compares. */
static int check_value(struct parser *p, const struct term *t, struct filter_value *v, size_t at,
                       size_t len)
{
    if (v->regex) {
        if (t->type == TYPE_NUMBER || t->type == TYPE_DURATION)
            return mistake(p, at, len, "a number is wanted here");
        return 0;
    }
    switch (t->type) {
    case TYPE_NUMBER:
        if (number_of(v) != 0)
            return mistake(p, at, len, "a number is wanted here");
        break;
    case TYPE_DURATION:
        v->never = t->field == FIELD_SEEN && strcmp(v->text, "never") == 0;
        if (!v->never && duration_of(v) != 0)
            return mistake(p, at, len, "a time such as 90s 5m 1h30m 7d is wanted here");
        break;
    case TYPE_STATE:
        fold(v->text);
        v->number = state_of_word(v->text);
        if (v->number < 0)
            return mistake(p, at, len,
                           "a state is wanted here: crit warn offline stale updating ok");
        break;
    case TYPE_VERSION:
        if (is_ordering(t->compare) && !(v->text[0] >= '0' && v->text[0] <= '9'))
            return mistake(p, at, len, "a version such as 1.4.0 is wanted here");
        if (v->fold)
            fold(v->text);
        break;
    case TYPE_STRING:
    case TYPE_WORD:
        if (v->fold)
            fold(v->text);
        break;
    case TYPE_LEVEL:
        return check_level(p, t, v, at, len);
    }
    return 0;
}

static int check_order(struct parser *p, const struct term *t, size_t at)
{
    if (!is_ordering(t->compare))
        return 0;
    if (t->type == TYPE_STRING || t->type == TYPE_WORD)
        return mistake(p, at, 1, "this field has no order: use = != : ~");
    if (t->count > 1)
        return mistake(p, at, 1, "one value only after < <= > >=");
    if (p->filter->value[t->first].regex)
        return mistake(p, at, 1, "a regular expression has no order");
    return 0;
}

static int take_list(struct parser *p, struct term *t, size_t op_at)
{
    t->first = p->filter->value_count;
    for (;;) {
        skip_blanks(p);
        size_t at = p->at;
        if (take_value(p, " \t(),\"") != 0)
            return -1;
        t->count++;
        if (check_value(p, t, &p->filter->value[p->filter->value_count - 1], at, p->at - at) != 0)
            return -1;
        if (p->text[p->at] != ',')
            break;
        if (t->count == LIST_MAX)
            return mistake(p, p->at, 1, "at most %d values in a list", LIST_MAX);
        p->at++;
    }
    return check_order(p, t, op_at);
}

/* ---- terms ---------------------------------------------------------------------------------- */

static bool take_row_field(struct parser *p, struct term *t, const char *name)
{
    static const enum field_type types[] = {
        [FILTER_TEXT] = TYPE_STRING,   [FILTER_VERSION] = TYPE_VERSION,
        [FILTER_NUMBER] = TYPE_NUMBER, [FILTER_SPAN] = TYPE_DURATION,
        [FILTER_LEVEL] = TYPE_LEVEL,
    };
    const struct filter_rows *rows = p->filter->rows;
    size_t i = rows ? filter_row_field(rows, name) : 0;

    if (!rows || i == rows->count)
        return false;
    t->field = FIELD_ROW;
    t->row_field = i;
    t->type = types[rows->field[i].kind];
    return true;
}

static int take_field(struct parser *p, struct term *t, size_t at, size_t len)
{
    char name[PROTO_READING_MAX];
    if (!text_copy_n(name, sizeof(name), p->text + at, len))
        return mistake(p, at, len, "no field has so long a name");
    if (take_row_field(p, t, name))
        return 0;
    if (p->filter->rows && !p->filter->rows->device)
        return mistake(p, at, len, "this list has no such field");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            t->field = fields[i].field;
            t->type = fields[i].type;
            break;
        }
    }
    if (t->field == FIELD_TEXT) {
        t->field = FIELD_READING;
        t->type = TYPE_NUMBER;
    }
    char *dot = strchr(name, '.'); /* pm2.5, as its column is titled: names have no dots */
    if (dot && t->field == FIELD_READING)
        *dot = '_';
    if (t->field == FIELD_UPTIME || t->field == FIELD_READING)
        text_copy(t->reading, sizeof(t->reading), reading_canonical(name));
    return 0;
}

static const struct op_row *op_at(const char *text)
{
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (strncmp(text, ops[i].text, strlen(ops[i].text)) == 0)
            return &ops[i];
    return NULL;
}

/* A reading nobody knows the type of yet: say which fields there are when the value is a word. */
static int explain_unknown(struct parser *p, const struct term *t, size_t at, size_t len)
{
    if (t->field != FIELD_READING || !p->err ||
        strcmp(p->err->text, "a number is wanted here") != 0)
        return -1;
    return mistake(p, at, len, "'%.*s' would be a reading, and a number is wanted behind it",
                   len < 32 ? (int)len : 32, p->text + at);
}

/* No field and no number behind it: a label, "site:berlin-7". */
static void maybe_label(struct term *t, const char *name, size_t len, const char *value)
{
    bool like = t->compare == CMP_LIKE || t->compare == CMP_UNLIKE;
    bool letter = (*value >= 'a' && *value <= 'z') || (*value >= 'A' && *value <= 'Z');
    if (t->field != FIELD_READING || is_ordering(t->compare) ||
        !(like || letter || *value == '"' || *value == '/'))
        return;
    t->field = FIELD_LABEL;
    t->type = TYPE_WORD;
    text_copy_n(t->reading, sizeof(t->reading), name, len);
}

static int take_comparison(struct parser *p, struct term *t, size_t field_len,
                           const struct op_row *op)
{
    size_t field_at = p->at;
    size_t at = field_at + field_len;
    if (take_field(p, t, field_at, field_len) != 0)
        return -1;
    t->compare = op->compare;
    p->at = at;
    skip_blanks(p);
    p->at += strlen(op->text);
    skip_blanks(p);
    maybe_label(t, p->text + field_at, field_len, p->text + p->at);
    char c = p->text[p->at];
    bool word = !(c >= '0' && c <= '9') && c != '-' && c != '+' && c != '.' && c != '<' &&
                c != '>' && c != '=' && c != '~' && c != '!' && c != ':';
    if (take_list(p, t, at) != 0)
        return word ? explain_unknown(p, t, field_at, field_len) : -1;
    return 0;
}

static int take_text(struct parser *p, struct term *t)
{
    t->field = FIELD_TEXT;
    t->type = TYPE_STRING;
    t->compare = CMP_LIKE;
    t->first = p->filter->value_count;
    t->count = 1;
    if (take_value(p, " \t()\"") != 0)
        return -1;
    struct filter_value *v = &p->filter->value[t->first];
    if (v->fold && !v->regex)
        fold(v->text);
    return 0;
}

static int take_term(struct parser *p)
{
    struct filter *f = p->filter;
    if (f->term_count == FILTER_TERMS)
        return mistake(p, p->at, 1, "too long: at most %d terms", FILTER_TERMS);
    struct term *t = &f->term[f->term_count++];
    size_t len = strcspn(p->text + p->at, " \t()\"/:=!<>~,");
    const char *behind = p->text + p->at + len;
    const struct op_row *op = op_at(behind + strspn(behind, " \t"));
    char c = p->text[p->at];

    t->reading_at = FLEET_NONE;
    if (op && len == 0)
        return mistake(p, p->at, strlen(op->text), "a field is wanted before '%s'", op->text);
    if (c == ',')
        return mistake(p, p->at, 1, "a field or a text is wanted here");
    int rc = op ? take_comparison(p, t, len, op) : take_text(p, t);
    return rc == 0 ? emit(p, OP_TERM, f->term_count - 1) : -1;
}

/* ---- expressions ---------------------------------------------------------------------------- */

static int take_or(struct parser *p);

/* '(' and 'not' nest; anything else is a term. */
static int take_not(struct parser *p)
{
    if (++p->depth > FILTER_DEPTH)
        return mistake(p, p->at, 1, "nested deeper than %d", FILTER_DEPTH);
    int rc;
    skip_blanks(p);
    size_t at = p->at;
    char c = p->text[at];
    bool bang = c == '!' && p->text[at + 1] != '=' && p->text[at + 1] != '~';

    if (bang || take_keyword(p, "not", "NOT")) {
        p->at += bang;
        rc = take_not(p) == 0 ? emit(p, OP_NOT, 0) : -1;
    } else if (c == '(') {
        p->at++;
        rc = take_or(p);
        if (rc == 0 && p->text[p->at] != ')')
            rc = mistake(p, at, 1, "no closing )");
        p->at += rc == 0;
    } else if (!c || c == ')' || take_keyword(p, "and", "AND") || take_keyword(p, "or", "OR")) {
        rc = mistake(p, at, p->at - at, "a field or a text is wanted here");
    } else {
        rc = take_term(p);
    }
    p->depth--;
    return rc;
}

static int take_and(struct parser *p)
{
    if (take_not(p) != 0)
        return -1;
    for (;;) {
        skip_blanks(p);
        size_t at = p->at;
        char c = p->text[at];
        if (!c || c == ')')
            return 0;
        if (take_keyword(p, "or", "OR")) {
            p->at = at; /* belongs to the level above */
            return 0;
        }
        take_keyword(p, "and", "AND");
        uint32_t jump = p->filter->instr_count;
        if (emit(p, OP_SKIP_FALSE, 0) != 0 || take_not(p) != 0)
            return -1;
        land_here(p, jump);
    }
}

static int take_or(struct parser *p)
{
    if (take_and(p) != 0)
        return -1;
    for (;;) {
        skip_blanks(p);
        if (!take_keyword(p, "or", "OR"))
            return 0;
        uint32_t jump = p->filter->instr_count;
        if (emit(p, OP_SKIP_TRUE, 0) != 0 || take_and(p) != 0)
            return -1;
        land_here(p, jump);
    }
}

static int parse(struct parser *p)
{
    skip_blanks(p);
    if (!p->text[p->at])
        return 0; /* matches all */
    if (take_or(p) != 0)
        return -1;
    skip_blanks(p);
    if (p->text[p->at])
        return mistake(p, p->at, 1, "no ( for this )");
    return 0;
}

struct filter *filter_compile(const char *text, struct filter_error *err)
{
    return filter_compile_rows(text, NULL, err);
}

struct filter *filter_compile_rows(const char *text, const struct filter_rows *rows,
                                   struct filter_error *err)
{
    struct parser p = { .text = text, .err = err };
    if (err)
        memset(err, 0, sizeof(*err));
    if (strlen(text) > FILTER_TEXT_MAX) {
        mistake(&p, FILTER_TEXT_MAX, 1, "longer than %d bytes", FILTER_TEXT_MAX);
        return NULL;
    }
    p.filter = mem_alloc(sizeof(*p.filter));
    p.filter->rows = rows;
    if (parse(&p) == 0)
        return p.filter;
    filter_free(p.filter);
    return NULL;
}
