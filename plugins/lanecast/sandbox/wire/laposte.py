"""La Poste Suivi v2: codes and answers.

Shape: the public reference of `GET /suivi/v2/idships/{numbers}`; one number is answered with an object, several with a
list (HTTP 207). Codes are La Poste's own; it has none for a damaged or a lost parcel (PB1, a problem), none for a
parcel that leaves its country (ET2) and none for a refusal (ND1, whose words tell it). The platform's code is `code`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import s10_digits, s10_number, service_letter
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_key, json_response
from lanecast.sandbox.wire.told import NO_SUCH_COUNTRY, Json, Told, offset_text, printed, tell

MOST_NUMBERS = 10

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("DR1", "Votre colis va bientôt nous être confié."),
    "picked_up": ("PC1", "Votre colis est pris en charge."),
    "origin_hub_arrived": ("ET1", "Votre colis est en transit sur nos plateformes logistiques."),
    "export_cleared": ("ET2", "Votre colis est prêt à partir de son territoire d'expédition."),
    "origin_departed": ("ET2", "Votre colis a quitté son territoire d'expédition."),
    "country_arrived": ("ET3", "Votre colis est arrivé dans le pays du destinataire."),
    "import_started": ("DO1", "Votre colis est entré en douane."),
    "customs_hold": ("DO3", "Votre colis est retenu en douane."),
    "import_cleared": ("DO2", "Votre colis est sorti de douane."),
    "delivery_hub_arrived": ("MD2", "Votre colis est dans le site de livraison. Nous le préparons pour sa livraison."),
    "delayed": ("DI3", "Votre colis est retardé."),
    "damaged": ("PB1", "Un problème est en cours de traitement : le colis est abîmé."),
    "out_for_delivery": ("MD2", "Votre colis est en cours de livraison."),
    "failed_attempt": ("ND1", "Votre colis n'a pas pu être livré : le destinataire était absent."),
    "refused": ("ND1", "Votre colis n'a pas pu être livré : il a été refusé."),
    "available_for_pickup": ("AG1", "Votre colis est disponible dans le point de retrait sélectionné."),
    "delivered": ("DI1", "Votre colis est livré."),
    "returning": ("RE1", "Votre colis est retourné à l'expéditeur."),
    "returned": ("DI2", "Votre colis est livré à l'expéditeur."),
    "lost": ("PB1", "Un problème est en cours de traitement : la recherche est close."),
}

_REASONS = {
    "weather": "Votre colis est retardé par les intempéries.",
    "strike": "Votre colis est retardé par une grève.",
    "bad_address": "Votre colis n'a pas pu être livré : adresse incomplète.",
}


def answer(shipment: Shipment, now: int, flaw: str | None) -> Json | None:
    """The answer for a shipment's number, or None while La Poste has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    events: object = [_event(one, len(told) - place) for place, one in enumerate(told)]
    if flaw == "malformed_parcel":
        events = ["ET1", {"code": {"value": "PC1"}, "date": False}]
    country = NO_SUCH_COUNTRY if flaw == "unknown_country" else shipment.destination.country
    return {
        "lang": "fr_FR",
        "scope": "open",
        "returnCode": 200,
        "shipment": {
            "idShip": shipment.number,
            "holder": 4,
            "product": shipment.service,
            "isFinal": told[0].scan.kind in {"delivered", "returned", "lost"},
            "timeline": [],
            "event": events,
            "contextData": {"originCountry": shipment.origin.country, "arrivalCountry": country},
            "url": f"https://www.laposte.fr/outils/suivre-vos-envois?code={shipment.number}",
        },
    }


def not_found(number: str) -> Json:
    """The answer for a number that La Poste does not know."""
    message = "Nous ne trouvons pas ce numéro. Nous vous invitons à vérifier votre saisie."
    return {"returnCode": 404, "returnMessage": message, "lang": "fr_FR", "scope": "open", "idShip": number}


def _event(told: Told, order: int) -> Json:
    code, label = code_and_text(told.scan)
    return {"order": order, "code": code, "label": label, "date": f"{told.date}T{told.time}{offset_text(told.offset)}"}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`code` and La Poste's words."""
    code, text = CODES[scan.kind]
    return code, printed(scan, text, _REASONS)


class LaPoste(StandIn):
    """La Poste."""

    name = "laposte"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Two letters, eight digits, a check digit, FR (UPU S10)."""
        return s10_number("CE"[salt % 2] + service_letter(service), ago, index, "FR")

    def digits_of(self, number: str) -> str | None:
        """The eight digits."""
        return s10_digits(number, "FR")

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`code` and La Poste's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Tracking by up to ten numbers."""
        return [Endpoint("GET", "/suivi/v2/idships/{numbers}", self._track)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A key in a header."""
        return has_key(request, self.name, "x-okapi-key")

    def refusal(self) -> Response:
        """The gateway's refusal."""
        return json_response({"code": "UNAUTHORIZED", "message": "The X-Okapi-Key header is missing or wrong"}, 401)

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        numbers = request.path_params["numbers"].split(",")
        if len(numbers) > MOST_NUMBERS:
            return json_response({"returnCode": 400, "returnMessage": f"more than {MOST_NUMBERS} numbers"}, 400)
        answers = []
        for place, number in enumerate(numbers):
            found = counter.find(number, self.name)
            flaw = counter.flaw(self.name, number, malformed and place == 0)
            answers.append((found and answer(found[0], counter.now(), flaw)) or not_found(number))
        if len(answers) > 1:
            return json_response(answers, 207)
        return json_response(answers[0], answers[0]["returnCode"])


STAND_IN = LaPoste
