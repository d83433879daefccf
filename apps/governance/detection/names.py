"""What the name of a field tells about its value."""

from __future__ import annotations

import re
from functools import lru_cache

_NAMES: dict[str, str] = {
    name: kind
    for kind, names in {
        "password": "password passwd pwd passphrase passcode userpassword dbpassword pin pincode "
        "passwort kennwort contrasena motdepasse senha wachtwoord",
        "secret": "secret secretkey apikey apisecret xapikey appkey appsecret clientsecret token "
        "accesstoken refreshtoken authtoken idtoken sessiontoken securitytoken csrftoken "
        "xsrftoken credential credentials accesskey signingkey signingsecret webhooksecret "
        "encryptionkey masterkey sessionkey sessioncookie cookie setcookie "
        "sharedaccesskey accountkey",
        "bearer_token": "authorization proxyauthorization authheader xauthtoken",
        "private_key": "privatekey sshkey sshprivatekey privatekeypem",
        "cloud_key": "awssecretaccesskey secretaccesskey awsaccesskeyid accesskeyid "
        "awssessiontoken",
        "provider_key": "openaiapikey anthropicapikey xgoogapikey",
        "url_credentials": "connectionstring databaseurl databaseuri dsn",
        "email": "email emailaddress useremail",
        "phone": "phone phonenumber telephone telefon mobile mobilenumber cellphone tel",
        "ssn": "ssn socialsecuritynumber socialsecurity",
        "national_id": "nationalid nationalidnumber taxid taxnumber passportnumber passport "
        "driverslicense driverlicense cpf dni nie nif nir bsn pesel nhsnumber aadhaar "
        "steuerid codicefiscale curp personnummer",
        "birth_date": "dob dateofbirth birthdate birthday geburtsdatum",
        "card": "cardnumber creditcard creditcardnumber ccnumber cvv cvc cvv2",
        "iban": "iban",
        "bank_account": "accountnumber bankaccount bankaccountnumber routingnumber sortcode bic "
        "swiftcode",
        "ip": "ipaddress ip remoteaddr clientip remoteip xforwardedfor",
        "mac": "macaddress",
        "crypto_address": "walletaddress",
    }.items()
    for name in names.split()
}
_SEPARATORS = re.compile(r"[^a-z0-9]+")
# A longer name is not one that somebody gave to a field.
_NAME_LIMIT = 100


# What a longer name ends with: DB_PASSWORD, stripeSecretKey.
_ENDINGS = (
    ("password", ("password", "passwd", "passphrase")),
    ("private_key", ("privatekey",)),
    (
        "secret",
        ("apikey", "secretkey", "accesstoken", "authtoken", "refreshtoken", "clientsecret",
         "signingsecret", "webhooksecret"),
    ),
)  # fmt: skip
# Variables of an environment: GITHUB_TOKEN, SLACK_SIGNING_SECRET.
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*_(?:TOKEN|SECRET|CREDENTIALS?)")


def find_by_key(key: str) -> str | None:
    """Return the kind of what stands under a name such as ``api_key``, or None."""
    return _kind_of(key) if len(key) <= _NAME_LIMIT else None


@lru_cache(maxsize=4096)
def _kind_of(key: str) -> str | None:
    name = _SEPARATORS.sub("", key.lower())
    return _NAMES.get(name) or _kind_of_ending(key, name)


def _kind_of_ending(key: str, name: str) -> str | None:
    for kind, endings in _ENDINGS:
        if name.endswith(endings):
            return kind
    return "secret" if _VARIABLE.fullmatch(key) else None
