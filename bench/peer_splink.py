"""Splink on the made-up people, in an environment of its own: `python peer_splink.py people.csv FOLDER [memory]`.

The configuration is the one its documentation teaches: cleaned columns, comparisons from its library with term
frequencies on names and one comparison for the address, u by random sampling, m by expectation maximisation over
three blocking rules, predictions over a handful of blocking rules, clusters at several match probabilities.
"""

from __future__ import annotations

import sys

import duckdb
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

THRESHOLDS = (0.9, 0.99, 0.999, 0.9999, 0.99999)
CLEANED = """
    create table people as select
        id as unique_id,
        lower(given_name) as given_name,
        lower(surname) as surname,
        street_number,
        lower(street) as street,
        lower(town) as town,
        regexp_replace(upper(replace(postcode, ' ', '')), '(.{3})$', ' \\1') as postcode,
        strftime(coalesce(
            try_strptime(date_of_birth, '%Y-%m-%d'), try_strptime(date_of_birth, '%d/%m/%Y')
        ), '%Y-%m-%d') as date_of_birth,
        '0' || regexp_replace(replace(phone, ' ', ''), '^(\\+44|0)', '') as phone,
        lower(email) as email
    from read_csv(?, all_varchar = true, nullstr = '')
"""
BLOCKS = (
    ("given_name", "surname", "town"),
    ("surname", "date_of_birth"),
    ("given_name", "date_of_birth"),
    ("phone",),
    ("email",),
    ("postcode", "street_number"),
    ("surname", "postcode"),
)


def address() -> cl.CustomComparison:
    """The address as one comparison: its parts agree together, and counting each would count one fact five times."""
    same_house = "street_number_l = street_number_r and jaro_winkler_similarity(street_l, street_r) > 0.85"
    unknown = "(postcode_l is null or postcode_r is null) and town_l <> town_r"
    return cl.CustomComparison(
        output_column_name="address",
        comparison_levels=[
            cll.CustomLevel(unknown, "no postcode").configure(is_null_level=True),
            cll.CustomLevel(f"{same_house} and postcode_l = postcode_r", "same house and postcode"),
            cll.CustomLevel(same_house, "same house"),
            cll.CustomLevel("postcode_l = postcode_r", "same postcode"),
            cll.CustomLevel("town_l = town_r", "same town"),
            cll.ElseLevel(),
        ],
    )


def settings() -> SettingsCreator:
    """The model: what is compared how, and which pairs are looked at."""
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True),
            address(),
            cl.LevenshteinAtThresholds("phone", [1, 2]),
            cl.EmailComparison("email"),
        ],
        blocking_rules_to_generate_predictions=[block_on(*columns) for columns in BLOCKS],
    )


def main(source: str, folder: str, memory: str | None) -> None:
    """Read, train, predict, cluster, write id and cluster_id for each threshold."""
    connection = duckdb.connect()
    if memory:
        connection.execute(f"set memory_limit = '{memory}'")
    connection.execute(CLEANED, [source])
    linker = Linker(DuckDBAPI(connection).register("people"), settings())
    linker.training.estimate_probability_two_random_records_match(
        [block_on("given_name", "surname", "date_of_birth"), block_on("email")], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("given_name", "surname"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("email"))
    scored = linker.inference.predict(threshold_match_probability=min(THRESHOLDS))
    for threshold in THRESHOLDS:
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(scored, threshold)
        chosen = f"select unique_id as id, cluster_id from {found.physical_name}"
        connection.execute(f"copy ({chosen}) to '{folder}/splink-{threshold}.csv' (header)")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
