/* SPDX-License-Identifier: MIT
 * Everything but the Lua binding. */
#ifndef MSEQ_MAINSEQUENCE_H
#define MSEQ_MAINSEQUENCE_H

#include "mainsequence/base.h"
#include "mainsequence/client.h"
#include "mainsequence/contract.h"
#include "mainsequence/database.h"
#include "mainsequence/ddl.h"
#include "mainsequence/endpoint.h"
#include "mainsequence/fingerprint.h"
#include "mainsequence/manager.h"
#include "mainsequence/migration.h"
#include "mainsequence/naming.h"
#include "mainsequence/schema.h"
#include "mainsequence/server.h"
#include "mainsequence/sql.h"
#include "mainsequence/transport.h"
#include "mainsequence/version.h"
#include "mainsequence/wire.h"

#endif
