"""`lanecast train`: the models that are learned."""

from __future__ import annotations

from datetime import datetime

import click

from lanecast.cli.base import as_json, as_moment, cli, in_warehouse, print_json


@cli.group()
def train() -> None:
    """Learn from what the warehouse knows."""


@train.command("delivery")
@click.option("--restore", metavar="VERSION", help="Put an earlier version in use again, until the next training.")
@click.option("--as-of", callback=as_moment, metavar="TIME", help="Know nothing later than this moment.")
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
            found = in_warehouse(lambda: training.publish(restore, as_of=as_of, say=say))
            print_json(training.as_dict(None, found)) if as_json else console.show_published(found)
            return
        trained, published = in_warehouse(lambda: training.train_and_follow(as_of=as_of, say=say))
    except (NoVersion, NoLightGBM) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(training.as_dict(trained, published))
    else:
        console.show(trained, published)


@train.command("recommendations")
@click.option("--as-of", callback=as_moment, metavar="TIME", help="Know nothing later than this moment.")
@as_json
def train_recommendations(as_of: datetime | None, as_json: bool) -> None:
    """Learn what to recommend from orders and behaviour, judge the models, and publish the lists of those that serve.

    Runs and how each model did: mart.recommendation_run, mart.recommendation_evaluation.
    """
    from lanecast.recommend import console, training
    from lanecast.recommend.store import NoRun

    try:
        trained = in_warehouse(
            lambda: training.train_and_publish(as_of=as_of, say=lambda text: click.echo(text, err=True))
        )
    except training.NothingToLearnFrom as error:
        raise click.ClickException(str(error)) from None
    except NoRun as error:
        raise click.ClickException(f"another run was put in use meanwhile, which serves: {error}") from None
    if as_json:
        print_json(training.as_dict(trained))
    else:
        console.show(trained)
