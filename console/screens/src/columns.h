#ifndef SCREENS_COLUMNS_H
#define SCREENS_COLUMNS_H

#include "internal.h"

/*
 * What the fleet's table can show and be sorted by: fixed columns from one table, and every reading
 * under its name. A column is named by a word, as filters name fields; that is what is kept in the
 * state file, because a reading's number is another in the next run.
 */
struct column_def {
    const char *word, *title;
    enum column_kind kind;
    enum fleet_column sort;
    int least, most; /* width, when it is not chosen */
    bool right;      /* aligned */
    bool invert;     /* the greatest first, unless asked otherwise */
    const char *label, *order;
};
#define COLUMN_DEFS 20
const struct column_def *column_def(size_t n);          /* NULL past the last */
const struct column_def *column_find(const char *word); /* NULL: perhaps a reading */
/* "severity", "temp"; the word itself when nobody sent such a reading. */
const char *column_label(const struct fleet *fleet, const char *word);
/* Does sorting by it put the greatest first? */
bool column_inverts(const char *word);
/* False when it is a reading that nobody has sent yet, or cannot be sorted by (trend). */
bool column_sort_key(const struct fleet *fleet, const struct sort_choice *by,
                     struct fleet_sort_key *out);

/* Every word there is for this fleet, fixed ones first, then readings, the commonest first. */
#define COLUMN_WORDS 256
size_t column_words(const struct fleet *fleet, const char *out[COLUMN_WORDS]);

/* The text of a cell that is nothing but text. */
/* Messages a minute, – while nobody can say. Returns out. */
char *rate_text(const struct ui_model *m, const struct fleet_device *d, char *out, size_t cap);
void column_text(const struct ui_model *m, const struct fleet_device *d, enum column_kind kind,
                 char *out, size_t cap);

/* Is one of that kind laid out? */
bool columns_have(const struct fleet_screen *f, enum column_kind kind);
/* Lay out f->column for a table of that width: what was chosen, or what the fleet sends. */
void columns_lay_out(struct fleet_screen *f, const struct ui_model *m, int cols);

/* "id:20 fw temperature", "-temperature fw": as the state file and the palette say them. Parsing
 * takes what it understands and leaves the rest; returns how many there are. */
void columns_write(const struct column_choice *c, size_t count, char *out, size_t cap);
size_t columns_read(const char *text, struct column_choice out[FLEET_COLUMNS]);
/* The columns to be shown, chosen or usual; 0: what the fleet sends. */
const struct column_choice *columns_wanted(const struct fleet_screen *f, size_t *count);
void sort_write(const struct sort_choice *c, size_t count, char *out, size_t cap);
size_t sort_read(const char *text, struct sort_choice out[FLEET_SORT_KEYS]);

#endif
