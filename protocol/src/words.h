#ifndef PROTOCOL_WORDS_H
#define PROTOCOL_WORDS_H

/* The i-th of words that lie one after the other, each with its NUL; there must be so many. */
const char *word_at(const char *list, unsigned i);

#endif
