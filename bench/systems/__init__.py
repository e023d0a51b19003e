"""The table of systems: every recipe trained on real music, measured, and written down.

    make every-recipe DATA=../shared/data     does each train and play at all
    make systems-table DATA=../shared/data    what each learns; writes docs/systems.md

`plan.toml` says what a recipe learns from and for how long; a record a recipe is kept in
`bench/results/systems/`; `checks/` hold what the repaired recipes promise.
"""
