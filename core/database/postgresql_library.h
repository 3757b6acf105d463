/* SPDX-License-Identifier: MIT
 * libpq, loaded when the first PostgreSQL database is opened. The calls are written as ever. */
#ifndef MSEQ_DATABASE_POSTGRESQL_LIBRARY_H
#define MSEQ_DATABASE_POSTGRESQL_LIBRARY_H

#include <libpq-fe.h>

#include "mainsequence/base.h"

/* Every function that is called. */
#define PQ_FUNCTIONS(F)                                                                            \
    F(PQcancel)                                                                                    \
    F(PQclear)                                                                                     \
    F(PQcmdStatus)                                                                                 \
    F(PQcmdTuples)                                                                                 \
    F(PQconnectionUsedPassword)                                                                    \
    F(PQconnectdbParams)                                                                           \
    F(PQconninfoFree)                                                                              \
    F(PQconninfoParse)                                                                             \
    F(PQconsumeInput)                                                                              \
    F(PQencryptPasswordConn)                                                                       \
    F(PQenterPipelineMode)                                                                         \
    F(PQerrorMessage)                                                                              \
    F(PQexitPipelineMode)                                                                          \
    F(PQfinish)                                                                                    \
    F(PQflush)                                                                                     \
    F(PQfname)                                                                                     \
    F(PQfreeCancel)                                                                                \
    F(PQfreemem)                                                                                   \
    F(PQftype)                                                                                     \
    F(PQgetCancel)                                                                                 \
    F(PQgetResult)                                                                                 \
    F(PQgetisnull)                                                                                 \
    F(PQgetlength)                                                                                 \
    F(PQgetvalue)                                                                                  \
    F(PQisBusy)                                                                                    \
    F(PQnfields)                                                                                   \
    F(PQnparams)                                                                                   \
    F(PQntuples)                                                                                   \
    F(PQparamtype)                                                                                 \
    F(PQpipelineStatus)                                                                            \
    F(PQpipelineSync)                                                                              \
    F(PQputCopyEnd)                                                                                \
    F(PQresultErrorField)                                                                          \
    F(PQresultErrorMessage)                                                                        \
    F(PQresultStatus)                                                                              \
    F(PQsendDescribePrepared)                                                                      \
    F(PQsendPrepare)                                                                               \
    F(PQsendQuery)                                                                                 \
    F(PQsendQueryParams)                                                                           \
    F(PQsendQueryPrepared)                                                                         \
    F(PQsetNoticeProcessor)                                                                        \
    F(PQsetSingleRowMode)                                                                          \
    F(PQsetnonblocking)                                                                            \
    F(PQsocket)                                                                                    \
    F(PQstatus)                                                                                    \
    F(PQtransactionStatus)

typedef struct pq_functions {
#define F(name) __typeof__(&(name)) name; // NOLINT(bugprone-macro-parentheses): a member
    PQ_FUNCTIONS(F)
#undef F
} pq_functions;

extern pq_functions pq_library;

/* Before any other of them is called. MSEQ_E_IO: there is no such library. */
mseq_status pq_load(mseq_error *err);

#define PQcancel pq_library.PQcancel
#define PQclear pq_library.PQclear
#define PQcmdStatus pq_library.PQcmdStatus
#define PQcmdTuples pq_library.PQcmdTuples
#define PQconnectionUsedPassword pq_library.PQconnectionUsedPassword
#define PQconnectdbParams pq_library.PQconnectdbParams
#define PQconninfoFree pq_library.PQconninfoFree
#define PQconninfoParse pq_library.PQconninfoParse
#define PQconsumeInput pq_library.PQconsumeInput
#define PQencryptPasswordConn pq_library.PQencryptPasswordConn
#define PQenterPipelineMode pq_library.PQenterPipelineMode
#define PQerrorMessage pq_library.PQerrorMessage
#define PQexitPipelineMode pq_library.PQexitPipelineMode
#define PQfinish pq_library.PQfinish
#define PQflush pq_library.PQflush
#define PQfname pq_library.PQfname
#define PQfreeCancel pq_library.PQfreeCancel
#define PQfreemem pq_library.PQfreemem
#define PQftype pq_library.PQftype
#define PQgetCancel pq_library.PQgetCancel
#define PQgetResult pq_library.PQgetResult
#define PQgetisnull pq_library.PQgetisnull
#define PQgetlength pq_library.PQgetlength
#define PQgetvalue pq_library.PQgetvalue
#define PQisBusy pq_library.PQisBusy
#define PQnfields pq_library.PQnfields
#define PQnparams pq_library.PQnparams
#define PQntuples pq_library.PQntuples
#define PQparamtype pq_library.PQparamtype
#define PQpipelineStatus pq_library.PQpipelineStatus
#define PQpipelineSync pq_library.PQpipelineSync
#define PQputCopyEnd pq_library.PQputCopyEnd
#define PQresultErrorField pq_library.PQresultErrorField
#define PQresultErrorMessage pq_library.PQresultErrorMessage
#define PQresultStatus pq_library.PQresultStatus
#define PQsendDescribePrepared pq_library.PQsendDescribePrepared
#define PQsendPrepare pq_library.PQsendPrepare
#define PQsendQuery pq_library.PQsendQuery
#define PQsendQueryParams pq_library.PQsendQueryParams
#define PQsendQueryPrepared pq_library.PQsendQueryPrepared
#define PQsetNoticeProcessor pq_library.PQsetNoticeProcessor
#define PQsetSingleRowMode pq_library.PQsetSingleRowMode
#define PQsetnonblocking pq_library.PQsetnonblocking
#define PQsocket pq_library.PQsocket
#define PQstatus pq_library.PQstatus
#define PQtransactionStatus pq_library.PQtransactionStatus

#endif
