"""The `lanecast` command. Each subcommand imports what it needs when it runs, so that `--help` answers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click

from lanecast import __version__
from lanecast.words import counted

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a time like 2026-03-01T12:00:00+00:00") from None
    if moment.tzinfo is None:
        raise click.BadParameter(f"{value!r} has no zone: add one, such as +00:00")
    return moment


def _day(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a date like 2026-03-01") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _country(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from lanecast.carriers.places import country_code

    code = country_code(value.strip())
    if code is None:
        raise click.BadParameter(f"{value!r} is no country: give one like BR or Brazil")
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="lanecast")
def cli() -> None:
    """A data cloud for e-commerce whose goods travel."""


@cli.command()
@click.option("--once", is_flag=True, help="End after the summary: 0 only if all of it worked.")
@click.option(
    "--world", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The sandbox's world, YAML."
)
@click.option("--seed", type=int, help="The sandbox's seed.")
def up(once: bool, world: Path | None, seed: int | None) -> None:
    """Start the whole platform on this machine, run the main job, print what came out, serve until Ctrl-C."""
    from lanecast.local import platform

    sys.exit(platform.up(once=once, world=world, seed=seed))


@cli.command()
def down() -> None:
    """End the platform of this checkout, and whatever a killed one left."""
    from lanecast import settings
    from lanecast.local import control

    click.echo("ended" if control.down(settings.state()) else "nothing was running")


@cli.command()
@as_json
def status(as_json: bool) -> None:
    """Say whether the platform is up, where, and how its parts are. Exit 1 where it is not up."""
    from lanecast import settings
    from lanecast.local import control

    told = control.status(settings.state())
    if as_json:
        _print_json(told)
    elif told["running"]:
        click.echo(f"Airflow  {told['url']}   user {told['login']['username']}   password {told['login']['password']}")
        click.echo(f"SQL      {told['dsn']}")
        for part in told["parts"]:
            click.echo(f"{part['name']:14} {part['health']:10} restarts {part['restarts']}")
    else:
        click.echo(f"not running (state in {told['state']}): start it with `lanecast up`")
    sys.exit(0 if told["running"] else 1)


@cli.command()
@click.option("--down-to", metavar="REVISION", help="Go back to this revision (base: to an empty database).")
@as_json
def migrate(down_to: str | None, as_json: bool) -> None:
    """Bring the warehouse's schema up to date, or back to an earlier revision."""
    from lanecast.warehouse import migrations

    if down_to is not None:
        _in_warehouse(lambda: migrations.downgrade(down_to))
        _print_json({"revision": down_to}) if as_json else click.echo(f"back at {down_to}")
        return
    changed = _in_warehouse(lambda: migrations.migrate())
    _print_json({"changed": changed}) if as_json else click.echo("migrated" if changed else "up to date")


@cli.command("import")
@click.argument("dataset", type=click.Choice(["shipments", "events", "orders", "interactions", "products"]))
@click.argument("path")
@click.option(
    "--mapping", help="A mapping file, or the name of one that ships with Lanecast (olist, online_retail, scms)."
)
@click.option("--as-of", callback=_moment, metavar="TIME", help="Load as of this moment instead of now.")
@as_json
def import_(dataset: str, path: str, mapping: str | None, as_of: datetime | None, as_json: bool) -> None:
    """Load DATASET from a CSV (gz too), Parquet or JSON Lines file, through the same gate as everything else.

    Every row received ends as loaded, duplicate or quarantined. Exit 1 where a batch rule stopped the file.
    """
    from lanecast.files import console

    result = _in_warehouse(lambda: console.import_file(dataset, path, mapping, as_of, quiet=as_json))
    if as_json:
        _print_json(result)
    else:
        console.show(result)
    sys.exit(1 if result["stopped"] else 0)


@cli.command()
@click.argument("customer_ids", nargs=-1, required=True, metavar="CUSTOMER_ID...")
@as_json
def key(customer_ids: tuple[str, ...], as_json: bool) -> None:
    """Print the pseudonymous keys of customers whom the shop calls CUSTOMER_ID: by these the warehouse knows them."""
    from lanecast.customers import agreement

    keys = _in_warehouse(lambda: agreement.keys_of(customer_ids))
    if as_json:
        _print_json({"keys": keys})
    else:
        for one in keys:
            click.echo(f"{one['key']}  {one['customer_id']}")


@cli.group()
def erase() -> None:
    """Take out of the warehouse what it knows of somebody."""


@erase.command("customer")
@click.argument("customers", nargs=-1, required=True, metavar="CUSTOMER...")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@as_json
def erase_customer(customers: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Erase customers, told by the shop's ids or by their keys (`lanecast key`), in one transaction.

    What is told of them later is loaded as nobody's. docs/privacy.md says what remains elsewhere, and for how long.
    """
    from lanecast.customers import erasure

    def work() -> erasure.Erased:
        return erasure.erase(erasure.keys_for(customers), dry_run)

    try:
        erased = _in_warehouse(work)
    except erasure.ErasureError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        _print_json(asdict(erased))
    else:
        for line in erasure.lines(erased):
            click.echo(line)


@cli.command()
@click.option(
    "--country",
    metavar="XX",
    callback=_country,
    help="One destination country, ISO 3166-1 alpha-2; all together by default.",
)
@click.option(
    "--segment", default="all", show_default=True, help="A customer's history, as in mart.delivery_experience."
)
@as_json
def experience(country: str | None, segment: str, as_json: bool) -> None:
    """Tell how customers experienced delivery against the promise, and what they did after it: what lateness costs."""
    from lanecast.customers import experience_console

    found = _in_warehouse(lambda: experience_console.read(country, segment))
    if as_json:
        _print_json({"experience": found})
    else:
        for line in experience_console.lines(found, country, segment):
            click.echo(line)


@cli.command()
@click.option("--carrier", required=True, help="Whose answers these are.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def parse(carrier: str, files: tuple[Path, ...]) -> None:
    """Print the events of stored answers as JSON Lines, and one line of counts on stderr."""
    from lanecast.carriers.parse import event_record, parse_file
    from lanecast.carriers.registry import UnknownCarrierError
    from lanecast.tracking import Unreadable

    parcels = events = unreadable = 0
    for path in files:
        try:
            for parsed in parse_file(carrier, path):
                if isinstance(parsed, Unreadable):
                    unreadable += 1
                    click.echo(f"{path}: {parsed.tracking_number or 'unknown parcel'}: {parsed.problem}", err=True)
                    continue
                parcels += 1
                for event in parsed.events:
                    events += 1
                    click.echo(json.dumps(event_record(carrier, parsed, event), ensure_ascii=False))
        except UnknownCarrierError as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"{len(files)} files: {parcels} parcels, {events} events, {unreadable} unreadable", err=True)


@cli.command()
@click.option("--from", "origin", help="A country (CN) or a region (BR-SP).")
@click.option("--to", "destination", help="A country (BR) or a region (BR-SP).")
@click.option("--carrier")
@click.option("--service")
@click.option(
    "--starts-at", callback=_moment, metavar="TIME", help="When it is ordered or handed over; now by default."
)
@click.option("--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.8, show_default=True)
@click.option("--clock", type=click.Choice(["order", "handover"]), default="order", show_default=True)
@click.option("--order-id", help="Keep the promise as given to this order, in mart.promise_log.")
@click.option("--tracking-number", help="Keep the promise as given to this parcel.")
@click.option("--late-day-cost", type=float, help="What a parcel's day beyond the promise costs: choose the best day.")
@click.option(
    "--earlier-day-value", type=float, help="What promising a parcel a day earlier is worth, in the same money."
)
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the trade-off of all days as SVG, too."
)
@as_json
def promise(
    as_json: bool,
    order_id: str | None,
    tracking_number: str | None,
    late_day_cost: float | None,
    earlier_day_value: float | None,
    plot: Path | None,
    **asked: Any,
) -> None:
    """Say when a parcel will arrive, as a range that can be printed on a product page.

    With --order-id or --tracking-number it is kept as given. With --late-day-cost and --earlier-day-value, the day is
    chosen that is worth most.
    """
    from lanecast.delivery import promise as promises
    from lanecast.warehouse import connection as warehouse

    question = promises.Question(**asked)
    chooses = late_day_cost is not None and earlier_day_value is not None
    if not chooses and (late_day_cost is not None or earlier_day_value is not None or plot is not None):
        raise click.UsageError("choosing a day takes both --late-day-cost and --earlier-day-value")
    if chooses and (order_id is not None or tracking_number is not None):
        raise click.UsageError("a chosen day is no range: it is not kept under --order-id or --tracking-number")

    def answer() -> Any:
        with warehouse.connect() as link:
            if late_day_cost is not None and earlier_day_value is not None:
                return promises.trade_off(link, question, late_day_cost, earlier_day_value)
            if order_id is not None or tracking_number is not None:
                return promises.issue(link, question, order_id, tracking_number)
            return promises.ask(link, question)

    try:
        found = _in_warehouse(answer)
    except promises.NoPromise as error:
        raise click.ClickException(str(error)) from None
    if chooses:
        _show_days(found, plot, as_json)
    elif as_json:
        _print_json(dict(found))
    elif found["likely"] is None:
        click.echo(f"There is no range to promise: {found['basis']}.")
    else:
        click.echo(f"{found['earliest']} to {found['latest']}, most likely by {found['likely']}   ({found['basis']})")
        if found["coverage"] is not None:
            click.echo(f"{100 * found['coverage']:.0f} % of such promises were kept in the last 90 days")
        if found.get("promise_id"):
            click.echo(f"kept as promise {found['promise_id']}")


def _show_days(choices: list[Any], plot: Path | None, as_json: bool) -> None:
    from lanecast.delivery import promise_console

    if not choices:
        raise click.ClickException("no parcel was delivered yet, so no day is better than another")
    if plot is not None:
        try:
            promise_console.write_plot(choices, plot)
        except OSError as error:
            raise click.ClickException(f"the plot can't be written: {error}") from None
    if as_json:
        _print_json({"best": next(one for one in choices if one["is_best"]), "days": choices})
    else:
        for line in promise_console.lines(choices):
            click.echo(line)


@cli.command()
@click.argument("number")
@as_json
def where(number: str, as_json: bool) -> None:
    """Say where a parcel is: by tracking number, or by order id."""
    from lanecast.follow import where as lookup

    found = _in_warehouse(lambda: lookup.where(number))
    if not found:
        raise click.ClickException(f"no shipment has the tracking number or order id {number!r}")
    if as_json:
        _print_json({"shipments": found})
    else:
        for line in lookup.lines(found):
            click.echo(line)


@cli.command()
@click.argument("run", required=False)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it here.")
@as_json
def report(run: str | None, output: Path | None, as_json: bool) -> None:
    """Write the quality report of RUN, by default the last that ended, as one HTML file, and print where it lies.

    RUN is the run's id, as in mart.data_quality. With --json, its content is printed, and a file is written to -o only.
    """
    from lanecast.report import files, reading
    from lanecast.warehouse import connection as warehouse
    from lanecast.warehouse.snapshot import Unavailable

    try:
        told = _in_warehouse(lambda: reading.read(warehouse.dsn, run))
        path = None if as_json and output is None else files.write(told, output)
    except reading.UnknownRun as error:
        raise click.ClickException(f"{error}; mart.data_quality lists the runs") from None
    except Unavailable as error:
        raise click.ClickException(f"{error.problem} {error.remedy}") from None
    except OSError as error:
        raise click.ClickException(f"the report can't be written: {error}; -o FILE writes it elsewhere") from None
    if as_json:
        _print_json(told.model_dump(mode="json"))
    else:
        click.echo(path)


@cli.command("alerts")
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@as_json
def alerts(everything: bool, as_json: bool) -> None:
    """List what is wrong now, and since when. docs/operations.md says what to do about each kind."""
    from lanecast.alerts import book, message

    found = _in_warehouse(lambda: book.entries(everything))
    if as_json:
        _print_json({"alerts": found})
    else:
        for line in message.lines(found):
            click.echo(line)


@cli.command("tune")
@as_json
def tune(as_json: bool) -> None:
    """Choose how fast evidence of delivery times ages, and how much lanes lean on wider ones, by held-out weeks.

    Maintenance does so daily. The next refresh uses the choice.
    """
    from lanecast.delivery import tuning

    tuned = _in_warehouse(tuning.tune)
    if as_json:
        _print_json(tuning.as_dict(tuned))
    elif tuned.choice is None:
        click.echo("too few parcels were delivered in the last weeks to choose by: what was in use stays")
    else:
        kappas = ", ".join(f"{kappa:g}" for kappa in tuned.choice.kappas[1:])
        click.echo(f"half-life {tuned.choice.half_life_days:g} days; lanes lean on wider ones by {kappas} parcels")
        click.echo(f"log-likelihood a parcel and age bin: {tuned.score:.5f}; of the defaults {tuned.default_score:.5f}")


@cli.group()
def train() -> None:
    """Learn from what the warehouse knows."""


@train.command("delivery")
@click.option("--restore", metavar="VERSION", help="Put an earlier version in use again, until the next training.")
@click.option("--as-of", callback=_moment, metavar="TIME", help="Know nothing later than this moment.")
@as_json
def train_delivery(restore: str | None, as_of: datetime | None, as_json: bool) -> None:
    """Learn how long delivery takes, compare with the life table, and serve the lanes where it is better.

    Versions, how each did and which serves: mart.delivery_model.
    """
    from lanecast.delivery import training
    from lanecast.delivery.learned import console
    from lanecast.delivery.learned.store import NoVersion
    from lanecast.delivery.model.hazard import NoLightGBM

    def say(text: str) -> None:
        click.echo(text, err=True)

    try:
        if restore is not None:
            found = _in_warehouse(lambda: training.publish(restore, as_of=as_of, say=say))
            _print_json(training.as_dict(None, found)) if as_json else console.show_published(found)
            return
        trained, published = _in_warehouse(lambda: training.train_and_follow(as_of=as_of, say=say))
    except (NoVersion, NoLightGBM) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        _print_json(training.as_dict(trained, published))
    else:
        console.show(trained, published)


@train.command("recommendations")
@click.option("--as-of", callback=_moment, metavar="TIME", help="Know nothing later than this moment.")
@as_json
def train_recommendations(as_of: datetime | None, as_json: bool) -> None:
    """Learn what to recommend from orders and behaviour, judge the models, and publish the lists of those that serve.

    Runs and how each model did: mart.recommendation_run, mart.recommendation_evaluation.
    """
    from lanecast.recommend import console, training
    from lanecast.recommend.store import NoRun

    try:
        trained = _in_warehouse(
            lambda: training.train_and_publish(as_of=as_of, say=lambda text: click.echo(text, err=True))
        )
    except training.NothingToLearnFrom as error:
        raise click.ClickException(str(error)) from None
    except NoRun as error:
        raise click.ClickException(f"another run was put in use meanwhile, which serves: {error}") from None
    if as_json:
        _print_json(training.as_dict(trained))
    else:
        console.show(trained)


@cli.group("recommend", invoke_without_command=True)
@click.option("--customer", metavar="ID", help="Whom: the shop's id of the customer, or the key.")
@click.option("--product", metavar="ID", help="Beside which product.")
@click.option("--slot", type=click.Choice(["discover", "buy_again"]), help="This one alone.")
@click.option(
    "--country",
    metavar="XX",
    callback=_country,
    help="Whose popular products somebody new is shown; the customer's own else.",
)
@click.option("-n", "how_many", type=click.IntRange(1, 100), default=20, show_default=True, help="How many at most.")
@as_json
@click.pass_context
def recommend(
    context: click.Context,
    customer: str | None,
    product: str | None,
    slot: str | None,
    country: str | None,
    how_many: int,
    as_json: bool,
) -> None:
    """Say what to show a customer, to discover and to buy again, or beside a product.

    With --country alone: somebody who is not known.
    """
    if context.invoked_subcommand is not None:
        return
    if product is not None and (customer or country or slot):
        raise click.UsageError("--product is asked for alone")
    if not (product or customer or country):
        raise click.UsageError("give --customer, --product or --country")
    from lanecast.recommend import console
    from lanecast.recommend.asking import NoAnswer

    try:
        found = _in_warehouse(lambda: console.ask(customer, product, slot, how_many, country))
    except NoAnswer as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        _print_json(found)
    else:
        for line in console.lines(found):
            click.echo(line)


@recommend.command("restore")
@click.argument("run", required=False)
@as_json
def recommend_restore(run: str | None, as_json: bool) -> None:
    """Put the lists of RUN (mart.recommendation_run) in use again, by default of the one before, until the next run."""
    from lanecast.recommend.store import PREVIOUS, NoRun, put_in_use

    try:
        version = _in_warehouse(lambda: put_in_use(run or PREVIOUS))
    except NoRun as error:
        raise click.ClickException(str(error)) from None
    _print_json({"version": version}) if as_json else click.echo(f"run {version} serves")


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
    if as_json:
        _print_json(ingest.as_dict(figures))
    else:
        ingest.show(figures)


@bench.command("validate")
@click.option("--rows", type=click.IntRange(min=1000), default=1_000_000, show_default=True)
@as_json
def bench_validate(rows: int, as_json: bool) -> None:
    """The gate's time and memory, 20 rules, routing included, against one SELECT that counts the same rules."""
    from lanecast.bench import validate

    found = validate.validate(rows, (lambda _: None) if as_json else click.echo)
    if as_json:
        _print_json(validate.as_dict(found))
    else:
        validate.show(found)


@bench.command("refresh")
@click.option("--history", type=click.IntRange(min=1000), default=1_000_000, show_default=True, help="Events known.")
@click.option("--new", type=click.IntRange(5, 15_000), default=10_000, show_default=True, help="Events since.")
@as_json
def bench_refresh(history: int, new: int, as_json: bool) -> None:
    """A refresh after new events, on a history of any length with the same lanes and open parcels."""
    from lanecast.bench import refresh

    measured = refresh.refresh(history, new, (lambda _: None) if as_json else click.echo)
    if as_json:
        _print_json(refresh.as_dict(measured))
    else:
        refresh.show(measured)


@bench.command("parse")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=3.0, show_default=True, help="Of each carrier.")
@as_json
def bench_parse(seconds: float, as_json: bool) -> None:
    """Events read a second of processor time, one core, from answers of 15 events each."""
    from lanecast.bench import parse

    rates = parse.parse_rates(seconds)
    if as_json:
        _print_json(rates)
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
    if as_json:
        _print_json(promises.as_dict(figures))
    else:
        promises.show(figures)


@bench.command("experience")
@click.option("--orders", type=click.IntRange(min=1000), default=1_000_000, show_default=True)
@as_json
def bench_experience(orders: int, as_json: bool) -> None:
    """Seconds that it takes to work out what customers experienced of delivery, and what they did next."""
    from lanecast.bench import experience as experiences

    figures = experiences.measure(orders, (lambda _: None) if as_json else click.echo)
    if as_json:
        _print_json(experiences.as_dict(figures))
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
        _print_json(training.as_dict(figures))
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
    if as_json:
        _print_json(recommending.as_dict(figures))
    else:
        recommending.show(figures)


@bench.command("polling")
@click.option("--days", type=click.FloatRange(min=2), default=14, show_default=True)
@click.option("--orders", type=click.FloatRange(min=1), default=60, show_default=True, help="A day.")
@as_json
def bench_polling(days: float, orders: float, as_json: bool) -> None:
    """Calls of the polling plan, and how late it learns of news, against asking for every parcel every two hours."""
    from lanecast.bench import polling

    figures = polling.polling(days, orders, say=(lambda _: None) if as_json else click.echo)
    if as_json:
        _print_json(polling.as_dict(figures))
    else:
        polling.show(figures)


@cli.group()
def backtest() -> None:
    """Replay the past week by week, from what was known then, and say how well it would have gone."""


@backtest.command("delivery")
@click.option("--shipments", required=True, help="A shipments file: CSV (gz too), Parquet or JSON Lines.")
@click.option("--mapping", help="A mapping file, or the name of one that ships with Lanecast (olist, scms).")
@click.option("--cut", required=True, callback=_day, metavar="DATE", help="Predict orders from this day on, 00:00 UTC.")
@click.option("--until", callback=_day, metavar="DATE", help="Predict orders before this day; to the last by default.")
@click.option("--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.8, show_default=True)
@click.option(
    "--predictions", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Write them here, CSV."
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the outcome: .png, .svg or .pdf.")
@click.option("--baselines/--no-baselines", default=True, help="Whether other methods are replayed for comparison.")
@as_json
def backtest_delivery(
    shipments: str,
    mapping: str | None,
    cut: datetime,
    until: datetime | None,
    confidence: float,
    predictions: Path,
    plot: Path | None,
    baselines: bool,
    as_json: bool,
) -> None:
    """Predict the delivery time of every order from --cut on, as it would have been told at the order.

    Weeks are counted from the cut. At the start of each, the model is fitted on what was known then: orders placed
    before, handovers and deliveries that had passed. Needs no database.
    """
    from lanecast.delivery.backtest import console, plotting, run
    from lanecast.delivery.backtest.history import day
    from lanecast.files.errors import FileError

    try:
        if plot is not None:
            plotting.check(plot)
        with console.Bar() as say:
            outcome = run.backtest(
                shipments,
                day(cut),
                float("inf") if until is None else day(until),
                confidence,
                predictions,
                mapping,
                baselines,
                say,
            )
        if plot is not None:
            plotting.draw(outcome, plot)
    except (FileError, FileNotFoundError, run.CutError, plotting.PlotError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"can't write: {error}") from None
    if as_json:
        _print_json(console.as_dict(outcome))
    else:
        console.show(outcome)


@backtest.command("recommend")
@click.option("--interactions", required=True, help="An interactions file: CSV (gz too), Parquet or JSON Lines.")
@click.option("--cut", required=True, callback=_day, metavar="DATE", help="Recommend as of this day, 00:00 UTC.")
@click.option("-k", "k", type=click.IntRange(1, 1000), default=20, show_default=True, help="Products in a list.")
@click.option(
    "--predictions", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Write them here, CSV."
)
@click.option("--baselines/--no-baselines", default=False, help="Whether other methods are asked for comparison.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the outcome: .png, .svg or .pdf.")
@as_json
def backtest_recommend(
    interactions: str, cut: datetime, k: int, predictions: Path, baselines: bool, plot: Path | None, as_json: bool
) -> None:
    """Recommend to every customer known before --cut, from what was known then, and say how well it held.

    Models are chosen on windows that lie before the cut. Customers are told as the file names them. Needs no database.
    """
    from lanecast.delivery.backtest.plotting import PlotError, check
    from lanecast.files.errors import FileError
    from lanecast.recommend.backtest import console, plotting, run

    try:
        if plot is not None:
            check(plot)
        outcome = run.backtest(interactions, cut, k, predictions, baselines, console.Progress())
        if plot is not None:
            plotting.draw(outcome, plot)
    except (FileError, FileNotFoundError, run.CutError, PlotError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"can't write: {error}") from None
    if as_json:
        _print_json(console.as_dict(outcome))
    else:
        console.show(outcome)


@cli.group()
def replay() -> None:
    """Read again what was received before, with today's code and tables."""


@replay.command("raw")
@click.option("--since", callback=_moment, metavar="TIME", help="Answers stored from this moment on; all by default.")
@click.option("--until", callback=_moment, metavar="TIME", help="Answers stored before this moment.")
@click.option("--carrier", metavar="NAME", help="Answers of this carrier or aggregator alone.")
@click.option("--apply", "apply_", is_flag=True, help="Carry the changes out; without, they are only told.")
@as_json
def replay_raw(
    since: datetime | None, until: datetime | None, carrier: str | None, apply_: bool, as_json: bool
) -> None:
    """Parse stored answers of carriers again, tell what that would change, and with --apply change it.

    A corrected status table or parser so corrects history: events are changed in place, what is no longer read is
    withdrawn. Asks before it changes anything where it runs in a terminal.
    """
    from lanecast.carriers.registry import UnknownCarrierError
    from lanecast.follow import replay_console

    try:
        told = _in_warehouse(
            lambda: replay_console.replay(since, until, carrier, apply_, quiet=as_json, confirm=_confirm)
        )
    except UnknownCarrierError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        _print_json(told)


def _confirm(question: str) -> bool:
    return sys.stdin.isatty() and click.confirm(question)


@cli.group()
def quarantine() -> None:
    """Rows that a rule put aside: look at them, mend them, send them through the gate again."""


@quarantine.command("list")
@click.option("--dataset", help="Rows of this dataset alone.")
@click.option("--rule", help="Rows under this rule alone; they are listed too.")
@click.option("--run", "run_id", metavar="RUN", help="Rows that came, or were replayed, in this run; listed too.")
@click.option(
    "--status",
    type=click.Choice(["open", "replayed", "superseded", "dismissed", "all"]),
    default="open",
    show_default=True,
)
@click.option("--since", callback=_moment, metavar="TIME", help="Rows seen from this moment on.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows listed.")
@as_json
def quarantine_list(
    dataset: str | None,
    rule: str | None,
    run_id: str | None,
    status: str,
    since: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """What lies in quarantine, by dataset and rule. Values that tell of a person are masked."""
    from lanecast.quarantine import console
    from lanecast.quarantine.listing import Filter

    chosen = Filter(dataset, rule, run_id, None if status == "all" else status, since)
    told = _in_warehouse(lambda: console.listed(chosen, limit))
    if as_json:
        _print_json(told)
    else:
        console.show_list(told, status)


@quarantine.command("show")
@click.argument("row_id", type=click.IntRange(1, 2**63 - 1), metavar="ID")
@click.option("--raw", is_flag=True, help="The stored answer that it came in, too.")
@click.option("--unmasked", is_flag=True, help="Show values that tell of a person.")
@as_json
def quarantine_show(row_id: int, raw: bool, unmasked: bool, as_json: bool) -> None:
    """One row: why it was put aside, its data, where its raw bytes lie, what became of it, what to do next."""
    from lanecast.quarantine import console, listing

    row = _in_warehouse(lambda: listing.one(row_id, unmasked, raw))
    if as_json:
        _print_json(row)
    else:
        console.show_one(row)


@quarantine.command("replay")
@click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1), metavar="[ID]...")
@click.option("--dataset", help="Open rows of this dataset.")
@click.option("--rule", help="Open rows under this rule.")
@click.option("--run", "run_id", metavar="RUN", help="Open rows that came in this run.")
@click.option("--origin", type=click.Choice(["pull", "file"]), help="Rows that came in answers, or in files.")
@click.option(
    "--patch",
    type=click.Path(exists=True, dir_okay=False),
    help="CSV or JSON Lines: quarantined_row_id, and the columns to set. An empty cell stays as it is, \\N is null.",
)
@click.option("--waive", multiple=True, metavar="RULE", help="A batch rule not to be held against the rows.")
@click.option("--apply", "apply_", is_flag=True, help="Carry it out; without, it is only told (a terminal asks).")
@click.option("--dry-run", is_flag=True, help="Only tell what would become of the rows; never ask.")
@as_json
def quarantine_replay(
    ids: tuple[int, ...],
    dataset: str | None,
    rule: str | None,
    run_id: str | None,
    origin: Literal["pull", "file"] | None,
    patch: str | None,
    waive: tuple[str, ...],
    apply_: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send rows through the same gate again: as they are, after a fix of rule or code table, or mended by a patch.

    Choose them by ID, --dataset, --rule, --run, or by a patch alone. Exit 1 where a batch rule stopped them.
    """
    from lanecast.quarantine import console
    from lanecast.quarantine.selection import Selection

    if apply_ and dry_run:
        raise click.UsageError("--apply and --dry-run contradict each other")
    selection = Selection(ids, dataset, rule, run_id, origin, patch, waive)
    told = _in_warehouse(lambda: console.replay(selection, apply_, dry_run, quiet=as_json, confirm=_confirm))
    if as_json:
        _print_json(told)
    sys.exit(1 if told.get("stopped") and told["applied"] else 0)


@quarantine.command("dismiss")
@click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1), metavar="[ID...]")
@click.option("--dataset", metavar="NAME", help="Open rows of this dataset.")
@click.option("--rule", metavar="NAME", help="Open rows under this rule.")
@click.option("--run", metavar="ID", help="Open rows that came in this run.")
@click.option("--reason", required=True, help="Why they are not wanted.")
@as_json
def quarantine_dismiss(
    ids: tuple[int, ...], dataset: str | None, rule: str | None, run: str | None, reason: str, as_json: bool
) -> None:
    """Mark rows as looked at and not wanted. They stay, and are counted where they come again."""
    from lanecast.quarantine import listing

    chosen = listing.Filter(dataset, rule, run)
    rows = _in_warehouse(lambda: listing.dismiss(list(ids), chosen, reason))
    _print_json({"dismissed": rows}) if as_json else click.echo(f"{counted(rows, 'row')} dismissed")


@cli.group()
def carrier() -> None:
    """Carriers: what can be asked, and adding one."""


@carrier.command("list")
@as_json
def carrier_list(as_json: bool) -> None:
    """The carriers and aggregators that can be asked, and as whom."""
    from lanecast.carriers import accounts, registry

    told = []
    for row in registry.rows().values():
        try:
            account = "sandbox" if accounts.account(row.name).is_sandbox else f"connection lanecast_{row.name}"
        except accounts.NoAccountError:
            account = "none"
        told.append({"name": row.name, "title": row.title, "kind": row.kind, "account": account})
    if as_json:
        _print_json({"carriers": told})
    else:
        for one in told:
            click.echo(f"{one['name']:16} {one['kind']:11} {one['account']:28} {one['title']}")


@carrier.command("new")
@click.argument("name")
@click.option("--title", help="The carrier's own name; made from NAME by default.")
@as_json
def carrier_new(name: str, title: str | None, as_json: bool) -> None:
    """Write the skeleton of a carrier called NAME: module, code table, stand-in, test and registry row.

    NAME is small letters, digits and _. What it writes works: `lanecast parse --carrier NAME` reads the stand-in's
    answers, and its test passes. Then change it into the carrier's own wire format, as docs/adding-a-carrier.md tells.
    """
    from lanecast.carriers import scaffold

    try:
        written = scaffold.new(name, title)
    except scaffold.CannotScaffold as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        _print_json({"written": written})
    else:
        for path in written:
            click.echo(f"wrote {path}")
        click.echo(f"next: .venv/bin/python -m pytest {written[-1]}, then docs/adding-a-carrier.md")


@cli.group()
def storefront() -> None:
    """Storefronts: what orders, products and behaviour are read from, and how far."""


@storefront.command("list")
@as_json
def storefront_list(as_json: bool) -> None:
    """The sources that include/storefronts.yaml declares: how each is reached, its watermark, its last read."""
    from lanecast.storefronts import console
    from lanecast.storefronts.config import ConfigError

    try:
        told = _in_warehouse(console.overview)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        _print_json({"sources": told})
        return
    for one in told:
        until = f"until {one['watermark']:%Y-%m-%d %H:%M} UTC" if one["watermark"] else "never read"
        came = "" if one["fetched"] is None else f"  last read {one['fetched']} of {one['told']}"
        why = one["problem"] or one["why_skipped"]
        click.echo(
            f"{one['source']:16} {one['stream']:13} {one['kind']:12} {one['reached_by']:11} {until}{came}"
            f"{f'  ({why})' if why else ''}"
        )


@storefront.command("pull")
@click.argument("source", required=False)
@click.option("--full", is_flag=True, help="Read everything, not only what is new.")
@as_json
def storefront_pull(source: str | None, full: bool, as_json: bool) -> None:
    """Read what is new in SOURCE, or in all sources, and load it. Exit 1 where one can't be read."""
    from lanecast.storefronts import console
    from lanecast.storefronts.config import ConfigError
    from lanecast.storefronts.runs import NothingToRead

    console.show_progress()
    try:
        told = _in_warehouse(lambda: console.pull_all(source, full, lambda text: click.echo(text, err=True)))
    except (ConfigError, NothingToRead) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        _print_json({"sources": told})
    sys.exit(1 if any(one["error"] for one in told) else 0)


@cli.group("contract")
def contract_group() -> None:
    """Contracts of datasets: what they promise, and whether a change keeps it."""


@contract_group.command("list")
@as_json
def contract_list(as_json: bool) -> None:
    """The datasets, with version, owner and number of rules."""
    from lanecast.contracts import compatibility
    from lanecast.contracts.reader import contract, datasets

    record = compatibility.recorded()
    told = []
    for name in datasets():
        terms = contract(name)
        told.append(
            {
                "dataset": name,
                "relation": terms.table.physical_name,
                "version": terms.version,
                "published": record[name].interface.version if name in record else None,
                "status": terms.status,
                "owner": terms.team.name,
                "rules": len(terms.rules),
            }
        )
    if as_json:
        _print_json({"contracts": told})
    else:
        for one in told:
            click.echo(
                f"{one['relation']:24} {one['version']:8} {one['status']:10} {one['rules']:3} rules  {one['owner']}"
            )


@contract_group.command("check")
@click.option("--against", metavar="REF", help="Compare with the record where this branch left REF, too.")
@as_json
def contract_check(against: str | None, as_json: bool) -> None:
    """See that no contract changed without its version, and that the record of them is current. Exit 1 where not.

    A change that breaks readers (column gone, type narrowed, grain or key changed) needs a higher major version, an
    addition a higher minor version. Where REF can't be compared with, that is said and passed over.
    """
    from lanecast.contracts import compatibility

    present = _contracts(compatibility.of_today)
    problems = _contracts(lambda: compatibility.check(compatibility.recorded(), present))
    passed_over = None
    if against is not None:
        try:
            earlier = _contracts(lambda: compatibility.recorded_at(against))
            problems += [f"{one} (since {against})" for one in compatibility.refusals(earlier, present)]
        except compatibility.NoComparison as error:
            passed_over = f"not compared with {against}: {error}"
    if as_json:
        _print_json({"contracts": len(present), "problems": problems, "passed_over": passed_over})
    else:
        for line in [*problems, *([passed_over] if passed_over else [])]:
            click.echo(line)
        click.echo(f"{counted(len(present), 'contract')}, {counted(len(problems), 'problem')}")
    sys.exit(1 if problems else 0)


@contract_group.command("publish")
@as_json
def contract_publish(as_json: bool) -> None:
    """Write today's interfaces to include/contracts/published.json, with what changed. Refuses a breaking change
    without a higher major version, and an addition without a higher minor version."""
    from datetime import UTC

    from lanecast.contracts import compatibility

    before = _contracts(compatibility.recorded)
    present = _contracts(compatibility.of_today)
    after = _contracts(lambda: compatibility.published_now(before, present, datetime.now(UTC).date()))
    compatibility.path().write_text(compatibility.dump(after), encoding="utf-8")
    news = {name: one.history[-1] for name, one in after.items() if before.get(name) != one}
    if as_json:
        _print_json({"published": {name: {"version": v.version, "changes": v.changes} for name, v in news.items()}})
    else:
        for name, version in news.items():
            click.echo(f"{name} {version.version}: {'; '.join(version.changes) or 'words only'}")
        click.echo(f"published {len(news)} of {len(after)} datasets" if news else "nothing to publish")


def _contracts(work: Callable[[], Any]) -> Any:
    """Runs `work`; what is wrong with a contract becomes one message."""
    from lanecast.contracts.reader import ContractError

    try:
        return work()
    except ContractError as error:
        raise click.ClickException(str(error)) from None


@cli.command()
@as_json
def doctor(as_json: bool) -> None:
    """Check what the platform needs: folders, database, contracts, carriers. Exit 1 where something fails."""
    from lanecast.local import doctor as checks

    found = checks.examine()
    if as_json:
        _print_json({"checks": found})
    else:
        for check in found:
            click.echo(f"{'ok  ' if check['ok'] else 'FAIL'} {check['name']:22} {check['detail']}")
    sys.exit(0 if all(check["ok"] for check in found) else 1)


def _in_warehouse(work: Callable[[], Any]) -> Any:
    """Runs `work` against the warehouse; errors that a user can mend become one line."""
    from lanecast.customers.keys import CustomerKeyError
    from lanecast.files.errors import FileError
    from lanecast.local.postgres import PostgresError
    from lanecast.local.session import open_warehouse
    from lanecast.quarantine.errors import QuarantineError
    from lanecast.warehouse.connection import NoWarehouse

    try:
        with open_warehouse():
            return work()
    except (CustomerKeyError, FileError, NoWarehouse, PostgresError, QuarantineError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from None


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def main() -> None:
    """The entry point."""
    cli()


if __name__ == "__main__":
    main()
