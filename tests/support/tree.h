#ifndef TEST_SUPPORT_TREE_H
#define TEST_SUPPORT_TREE_H

/* Removes a folder of a test's and all that is in it, hidden files too; follows no link. Nothing
 * when it is not there. */
void tree_remove(const char *path);

#endif
