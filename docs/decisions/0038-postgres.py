"""Say which SQL of the store PostgreSQL would not take: `python docs/decisions/0038-postgres.py`.

Every statement is read by PostgreSQL's own parser (`pip install pglast`, for this alone). With a
PostgreSQL to connect to, as `python docs/decisions/0038-postgres.py "host=/tmp dbname=lethe"`
(`pip install psycopg`), migrations are carried out in an empty database besides, one savepoint a
statement, and each query is prepared against the tables that came of it. Nothing is changed here.
"""

import ast
import re
import sys
from collections import Counter
from pathlib import Path

import pglast

ROOT = Path(__file__).parents[2]
_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP)\b")
_TYPES = {"BLOB": "BYTEA", "DOUBLE": "DOUBLE PRECISION", "UBIGINT": "NUMERIC(20)", "JSON": "JSONB"}


def statements():
    """Place and text of each: of migrations, and of strings in the code that begin like SQL.

    Without text where the code puts one together from several.
    """
    for file in sorted((ROOT / "store" / "migrations").glob("*.sql")):
        bare = re.sub(r"--[^\n]*", "", file.read_text(encoding="utf-8"))
        for number, text in enumerate(filter(str.strip, bare.split(";")), start=1):
            yield f"{file.name} {number}", text
    for file in sorted((ROOT / "store").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        parts = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr | ast.BinOp)
            for part in ast.walk(node)
            if part is not node
        }
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and _SQL.match(node.value) and "\n" in node.value.strip():
                place = f"{file.relative_to(ROOT)}:{node.lineno}"
                yield place, None if id(node) in parts else node.value


def numbered(text):
    """With PostgreSQL's parameters: numbers, where DuckDB has `?` or names."""
    names = list(dict.fromkeys(re.findall(r"\$([a-z_]+)\b", text)))
    for number, name in enumerate(names, start=1):
        text = re.sub(rf"\${name}\b", f"${number}", text)
    count = iter(range(1, 1000))
    return re.sub(r"\?", lambda _: f"${next(count)}", text)


def parsed(text):
    """What the parser says against it; empty when nothing."""
    try:
        pglast.parse_sql(numbered(text))
    except pglast.parser.ParseError as error:
        return str(error).split(", at")[0]
    return ""


def carried_out(connection, place, text):
    """What a server says against it; empty when nothing."""
    import psycopg

    for ours, theirs in _TYPES.items():
        text = re.sub(rf"\b{ours}\b", theirs, text)
    is_prepared = ".sql" not in place and not text.lstrip().startswith("CREATE")
    words = f"PREPARE tried AS {numbered(text)}" if is_prepared else numbered(text)
    try:
        with connection.transaction():
            connection.execute(words.encode())
            if is_prepared:
                connection.execute(b"DEALLOCATE tried")
    except psycopg.Error as error:
        return str(error).splitlines()[0]
    return ""


def main():
    connection = None
    if len(sys.argv) > 1:
        import psycopg

        connection = psycopg.connect(sys.argv[1])
    found, composed, kinds = 0, 0, Counter()
    for place, text in statements():
        found += 1
        if text is None:
            composed += 1
            continue
        problem = parsed(text)
        if connection is not None and not problem:
            problem = carried_out(connection, place, text)
        if problem:
            kinds[re.sub(r'"[^"]*"', '"…"', problem)] += 1
            print(f"{place}: {problem}")
    print(
        f"\n{found} statements, {kinds.total()} refused; {composed} are put together from parts "
        "and were not tried"
    )
    for kind, count in kinds.most_common():
        print(f"{count:4} {kind}")


if __name__ == "__main__":
    main()
