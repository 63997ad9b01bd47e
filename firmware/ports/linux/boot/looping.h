#ifndef BOOT_LOOPING_H
#define BOOT_LOOPING_H

#include "port/slots.h"
#include "protocol/reason.h"
#include "protocol/status.h"

/* A program that was found good has died before its agent came up once too often
 * (ota_looping_count()): have the agent go back to the image before it. The answers are
 * ota_agent_leave()'s. */
enum reason looping_leave(const struct slots *slots, const struct slots_boot *boot,
                          enum reset_reason reset);

#endif
