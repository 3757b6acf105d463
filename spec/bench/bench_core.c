/* SPDX-License-Identifier: MIT
 * The pure rooms: names, contract, fingerprint, registration request of the three models of
 * examples/account_asset. Unit: microseconds of CPU a call, best of five rounds.
 *   bench_core [CALLS [NAME]]   prints a line each; CALLS a round (default 20,000), NAME only that
 * line */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mainsequence/mainsequence.h"

enum { CALLS = 20000, ROUNDS = 5 };
static int calls = CALLS;
static const char *only; /* NULL: all */

static const char *const models[] = {
    "{\"name\": \"sdk_examples__account\", \"kind\": \"platform_managed\", \"class_name\": "
    "\"Account\", \"module\": \"sdk_examples.models\", \"meta\": {\"namespace\": \"sdk-examples\", "
    "\"identifier\": \"sdk_examples.Account\", \"labels\": [\"sdk-example\"], \"description\": "
    "\"Accounts that own assets and holdings.\"}, \"columns\": [{\"name\": \"uid\", \"type\": "
    "{\"name\": \"Uuid\"}, \"primary_key\": true}, {\"name\": \"name\", \"type\": {\"name\": "
    "\"String\", \"args\": {\"length\": 255}}, \"nullable\": false}]}",
    "{\"name\": \"sdk_examples__asset\", \"kind\": \"platform_managed\", \"class_name\": \"Asset\","
    " \"module\": \"sdk_examples.models\", \"meta\": {\"namespace\": \"sdk-examples\", "
    "\"identifier\": \"sdk_examples.Asset\"}, \"columns\": [{\"name\": \"uid\", \"type\": "
    "{\"name\": \"Uuid\"}, \"primary_key\": true}, {\"name\": \"account_uid\", \"type\": {\"name\":"
    " \"Uuid\"}, \"nullable\": false, \"foreign_key\": {\"referred_table\": "
    "\"sdk_examples__account\", \"referred_columns\": [\"uid\"], \"ondelete\": \"RESTRICT\"}}, "
    "{\"name\": \"symbol\", \"type\": {\"name\": \"String\", \"args\": {\"length\": 64}}, "
    "\"nullable\": false}], \"indexes\": [{\"columns\": [\"account_uid\"]}]}",
    "{\"name\": \"sdk_examples__account_holdings\", \"kind\": \"time_index\", \"class_name\": "
    "\"AccountHoldings\", \"module\": \"sdk_examples.models\", \"meta\": {\"namespace\": "
    "\"sdk-examples\", \"identifier\": \"sdk_examples.AccountHoldings\", \"time_index_name\": "
    "\"time_index\", \"index_names\": [\"time_index\", \"account_uid\", \"unique_identifier\"], "
    "\"cadence\": \"1d\"}, \"columns\": [{\"name\": \"time_index\", \"type\": {\"name\": "
    "\"DateTime\", \"args\": {\"timezone\": true}}, \"nullable\": false}, {\"name\": "
    "\"account_uid\", \"type\": {\"name\": \"Uuid\"}, \"nullable\": false, \"foreign_key\": "
    "{\"referred_table\": \"sdk_examples__account\", \"referred_columns\": [\"uid\"]}}, {\"name\": "
    "\"unique_identifier\", \"type\": {\"name\": \"String\", \"args\": {\"length\": 255}}, "
    "\"nullable\": false}, {\"name\": \"quantity\", \"type\": {\"name\": \"Float\"}, \"nullable\": "
    "false}]}",
};
enum { MODELS = sizeof models / sizeof *models };
static mseq_table *tables[MODELS];

static void check(mseq_status status, const mseq_error *err) {
    if (status == MSEQ_OK)
        return;
    fprintf(stderr, "bench_core: %s\n", err->message);
    exit(1); // NOLINT(concurrency-mt-unsafe)
}

static double now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void schema_table_name(int i) {
    mseq_error err = MSEQ_ERROR_INIT;
    char *name = NULL;
    (void)i;
    check(mseq_naming_schema_table_name("sdk_examples", "account_holdings", NULL, &name, &err),
          &err);
    free(name);
}

static void long_schema_table_name(int i) {
    mseq_error err = MSEQ_ERROR_INIT;
    char *name = NULL;
    (void)i;
    check(mseq_naming_schema_table_name(
              "sdk_examples",
              "very_long_concept_name_that_would_exceed_the_postgres_identifier_limit", NULL, &name,
              &err),
          &err);
    free(name);
}

static void fingerprint(int i) {
    mseq_error err = MSEQ_ERROR_INIT;
    char text[MSEQ_FINGERPRINT_SIZE];
    check(mseq_fingerprint_table(tables[i % MODELS], NULL, text, NULL, &err), &err);
}

static void contract(int i) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *value = NULL;
    check(mseq_contract_build(tables[i % MODELS], NULL, &value, &err), &err);
    mseq_value_free(value);
}

static void request(int i) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_wire_options options = MSEQ_WIRE_OPTIONS_INIT;
    options.data_source_uid = "00000000-0000-4000-8000-000000000001";
    mseq_value *value = NULL;
    check(mseq_wire_registration_request(tables[i % MODELS], &options, &value, &err), &err);
    mseq_value_free(value);
}

static mseq_value *descriptions[MODELS];
static void declaration(int i) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_table *table = NULL;
    check(mseq_table_from_description(descriptions[i % MODELS], &table, &err), &err);
    mseq_table_free(table);
}

static void measure(const char *name, void (*call)(int)) {
    if (only && strcmp(only, name) != 0)
        return;
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_us();
        for (int i = 0; i < calls; i++)
            call(i);
        double took = (now_us() - start) / calls;
        best = took < best ? took : best;
    }
    printf("%-28s %8.3f us\n", name, best);
}

int main(int argc, char **argv) {
    if (argc > 1 && (calls = (int)strtol(argv[1], NULL, 10)) < 1) {
        fprintf(stderr, "bench_core: '%s' is no number of calls\n", argv[1]);
        return 2;
    }
    only = argc > 2 ? argv[2] : NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    for (int i = 0; i < MODELS; i++) {
        check(mseq_json_parse(models[i], strlen(models[i]), 0, &descriptions[i], &err), &err);
        check(mseq_table_from_description(descriptions[i], &tables[i], &err), &err);
    }
    measure("schema_table_name", schema_table_name);
    measure("schema_table_name, cut", long_schema_table_name);
    measure("table from description", declaration);
    measure("contract", contract);
    measure("fingerprint", fingerprint);
    measure("registration request", request);
    for (int i = 0; i < MODELS; i++) {
        mseq_table_free(tables[i]);
        mseq_value_free(descriptions[i]);
    }
    return 0;
}
