#include "internal.h"
const struct screen_ops screen_rollout = { 0 };
