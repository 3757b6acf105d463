/* SPDX-License-Identifier: MIT
 * Checks that several requests share. */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "mainsequence/wire.h"

#define wire_refuse(path, err, ...) mseq_path_refuse(path, MSEQ_E_REQUEST, err, __VA_ARGS__)

/* The table_contract of a checked record, normalised in place. */
mseq_status wire_check_contract(mseq_value *record, const mseq_path *path, bool time_indexed,
                                mseq_error *err);
/* Cadence of a checked record, normalised in place; blank removes it. */
mseq_status wire_check_cadence(mseq_value *record, const mseq_path *path, mseq_error *err);
/* migration_provider_key "<package>:<namespace>" where it is absent and can be made. */
mseq_status wire_complete_provider_key(mseq_value *record, mseq_error *err);

#endif
