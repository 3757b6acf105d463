/* a ; b */ SELECT symbol FROM asset -- tail ; x
;