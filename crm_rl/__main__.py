import sys

try:
    from crm_rl.cli import main

    sys.exit(main())
except KeyboardInterrupt:  # before the command line could say so, or while it did
    sys.exit(130)
