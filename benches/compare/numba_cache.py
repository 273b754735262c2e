"""Import before numba: keeps compiled code in a folder named after the sources it was made from.

numba looks at the file of the cached function alone; a changed ziggurat table in another file would go on being used.
"""

import hashlib
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = b"".join(path.read_bytes() for path in sorted(HERE.glob("*.py")))
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target"))
os.environ["NUMBA_CACHE_DIR"] = str(TARGET / "compare-cache" / hashlib.sha256(SOURCES).hexdigest()[:16])
