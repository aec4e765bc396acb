import sys

from crm_rl.cli import main

sys.exit(main())
