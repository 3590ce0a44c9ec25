"""What the tests of the layers found, one row for each class; `conftest.py` prints it after the run."""

FOUND = {}  # class -> {column -> number}
COLUMNS = "float64", "float32", "differences", "rejected", "mutants"


def worst(name, column, error):
    """Keep the largest error of a class; NaN stays."""
    row = FOUND.setdefault(name, {})
    before = row.get(column, 0.0)
    row[column] = before if before >= error or before != before else error


def killed(name, rejected, mutants):
    row = FOUND.setdefault(name, {})
    row["rejected"], row["mutants"] = row.get("rejected", 0) + rejected, row.get("mutants", 0) + mutants


def lines():
    """The table: worst errors against torch and against central differences, and the rejected mutants."""
    heading = f"{'':24}{'torch, float64':>15}{'float32':>10}{'differences':>13}   mutants rejected"
    rows = [heading]
    for name, row in sorted(FOUND.items()):
        errors = [f"{row[column]:.0e}" if column in row else "-" for column in COLUMNS[:3]]
        kills = f"{row['rejected']:4} of {row['mutants']}" if "mutants" in row else "   -"
        rows.append(f"{name:24}{errors[0]:>15}{errors[1]:>10}{errors[2]:>13}   {kills}")
    rejected, mutants = (sum(row.get(column, 0) for row in FOUND.values()) for column in COLUMNS[3:])
    worst_of = [max((row[c] for row in FOUND.values() if c in row), default=0) for c in COLUMNS[:3]]
    rows.append(
        f"{'worst, and all mutants':24}{worst_of[0]:15.0e}{worst_of[1]:10.0e}{worst_of[2]:13.0e}"
        f"   {rejected:4} of {mutants}"
    )
    return rows
