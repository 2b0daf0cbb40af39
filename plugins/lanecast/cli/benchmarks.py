"""`lanecast bench`: how fast it is."""

from __future__ import annotations

import click

from lanecast.cli.base import as_json, cli, print_json, tell


@cli.group()
def bench() -> None:
    """Measure how fast it is, on a database of its own."""


@bench.command("ingest")
@click.option("--events", type=click.IntRange(min=1000), default=1_000_000, show_default=True)
@as_json
def bench_ingest(events: int, as_json: bool) -> None:
    """Raw bytes to refreshed marts by stage, and the load's rate against a raw COPY of the same rows."""
    from lanecast.bench import ingest

    figures = ingest.ingest(events, (lambda _: None) if as_json else click.echo)
    tell(figures, as_json, ingest)


@bench.command("validate")
@click.option("--rows", type=click.IntRange(min=1000), default=1_000_000, show_default=True)
@as_json
def bench_validate(rows: int, as_json: bool) -> None:
    """The gate's time and memory, 20 rules, routing included, against one SELECT that counts the same rules."""
    from lanecast.bench import validate

    found = validate.validate(rows, (lambda _: None) if as_json else click.echo)
    tell(found, as_json, validate)


@bench.command("refresh")
@click.option("--history", type=click.IntRange(min=1000), default=1_000_000, show_default=True, help="Events known.")
@click.option("--new", type=click.IntRange(5, 15_000), default=10_000, show_default=True, help="Events since.")
@as_json
def bench_refresh(history: int, new: int, as_json: bool) -> None:
    """A refresh after new events, on a history of any length with the same lanes and open parcels."""
    from lanecast.bench import refresh

    measured = refresh.refresh(history, new, (lambda _: None) if as_json else click.echo)
    tell(measured, as_json, refresh)


@bench.command("parse")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=3.0, show_default=True, help="Of each carrier.")
@as_json
def bench_parse(seconds: float, as_json: bool) -> None:
    """Events read a second of processor time, one core, from answers of 15 events each."""
    from lanecast.bench import parse

    rates = parse.parse_rates(seconds)
    if as_json:
        print_json(rates)
    else:
        parse.show(rates)


@bench.command("promise")
@click.option("--origins", type=click.IntRange(1, 249), default=20, show_default=True, help="Countries that send.")
@click.option("--questions", type=click.IntRange(min=100), default=20_000, show_default=True)
@as_json
def bench_promise(origins: int, questions: int, as_json: bool) -> None:
    """Milliseconds that one question of a promise takes, over one connection, with many lanes."""
    from lanecast.bench import promise as promises

    figures = promises.promise(origins, questions, (lambda _: None) if as_json else click.echo)
    tell(figures, as_json, promises)


@bench.command("experience")
@click.option("--orders", type=click.IntRange(min=1000), default=1_000_000, show_default=True)
@as_json
def bench_experience(orders: int, as_json: bool) -> None:
    """Seconds that it takes to work out what customers experienced of delivery, and what they did next."""
    from lanecast.bench import experience as experiences

    figures = experiences.measure(orders, (lambda _: None) if as_json else click.echo)
    if as_json:
        print_json(experiences.as_dict(figures))
    else:
        click.echo(f"{figures.orders:,} orders: {figures.rows:,} rows in {figures.seconds:.1f} s")


@bench.command("train")
@click.option("--shipments", type=click.IntRange(min=5000), default=300_000, show_default=True)
@as_json
def bench_train(shipments: int, as_json: bool) -> None:
    """Seconds and memory of a night's training of the delivery model, on a made-up year of shipments."""
    from lanecast.bench import train as training

    figures = training.train(shipments, (lambda _: None) if as_json else click.echo)
    if as_json:
        print_json(training.as_dict(figures))
    else:
        for line in training.lines(figures):
            click.echo(line)


@bench.command("recommend")
@click.option("--interactions", type=click.IntRange(min=1000), default=1_000_000, show_default=True)
@click.option("--customers", type=click.IntRange(min=100), default=50_000, show_default=True)
@click.option("--products", type=click.IntRange(min=100), default=5_000, show_default=True)
@as_json
def bench_recommend(interactions: int, customers: int, products: int, as_json: bool) -> None:
    """Seconds and memory of a night's recommendations in a made-up shop, and of reading one customer's list."""
    from lanecast.bench import recommend as recommending

    figures = recommending.recommend(interactions, customers, products, (lambda _: None) if as_json else click.echo)
    tell(figures, as_json, recommending)


@bench.command("polling")
@click.option("--days", type=click.FloatRange(min=2), default=14, show_default=True)
@click.option("--orders", type=click.FloatRange(min=1), default=60, show_default=True, help="A day.")
@as_json
def bench_polling(days: float, orders: float, as_json: bool) -> None:
    """Calls of the polling plan, and how late it learns of news, against asking for every parcel every two hours."""
    from lanecast.bench import polling

    figures = polling.polling(days, orders, say=(lambda _: None) if as_json else click.echo)
    tell(figures, as_json, polling)
