"""What sealed columns of several tables have in common: they are compared, or mean the same."""

CHF_ID = b"CHF id "
NUMBER = b"number "
MESSAGE = b"message "
VARIABLES = b"variables "
