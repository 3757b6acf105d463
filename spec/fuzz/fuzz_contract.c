/* SPDX-License-Identifier: MIT
 * Any JSON as a contract: normalised it stays as it is, it makes a table or says why not, and it
 * does not differ from itself. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mseq_value *document = fuzz_json(data, size);
    if (!document)
        return 0;
    mseq_value *contract = fuzz_normalize(mseq_contract_normalize, document);
    if (contract) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_table *table = NULL;
        mseq_value *differences = NULL;
        fuzz_outcome(mseq_contract_to_table(contract, &table, &err), &err, table != NULL);
        mseq_error_clear(&err);
        mseq_status status = mseq_contract_compare(contract, contract, &differences, &err);
        fuzz_outcome(status, &err, differences != NULL);
        fuzz_check(mseq_value_length(differences) == 0);
        mseq_value_free(differences);
        mseq_table_free(table);
    }
    mseq_value_free(contract);
    mseq_value_free(document);
    return 0;
}
