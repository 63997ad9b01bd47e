#ifndef IDENTITY_STORE_H
#define IDENTITY_STORE_H

#include "ca.h"
#include "fleet_file.h"
#include "identity/pki.h"

/* Where things lie in DIR, and the small steps that pki.c and device.c share. Private. */

/* DIR/pki/NAME */
int store_path(char out[FILES_PATH_MAX], const char *dir, const char *name, struct err *e);
int store_fleet(const char *dir, struct fleet_file *out, struct err *e);

/* NAME.key and NAME.pem of DIR/pki. Close with ca_pair_close(). */
int store_load_pair(const char *dir, const char *name, struct ca_pair *out, struct err *e);

int store_write_key(const char *path, EVP_PKEY *key, struct err *e); /* never overwrites */
/* The certificate and, unless NULL, its issuer's behind it. */
int store_write_chain(const char *path, X509 *cert, X509 *issuer, enum files_how how,
                      struct err *e);
/* A copy into PKI/issued, where `pki` is the pki folder itself. */
int store_record(const char *pki, X509 *cert, const char *cn, struct err *e);

#endif
