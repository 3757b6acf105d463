/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: data sources as replies show them. */
#ifndef MSEQ_MANAGER_DATA_SOURCES_H
#define MSEQ_MANAGER_DATA_SOURCES_H

#include "manager_private.h"

/* DynamicTableDataSource objects of the caller's organization (uid NULL: all), in order of
 * creation. */
mseq_status manager_data_sources(const manager_call *call, const char *uid, mseq_value **objects,
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* Refuses a uid in a body that is no data source of the caller's organization. */
mseq_status manager_check_data_source(const manager_call *call, const char *uid,
                                      mseq_error *err) MSEQ_MUST_CHECK;

#endif
