"""What mail programs put around a reply, in four languages: attributions, header blocks, dividers, signatures. Data."""

from __future__ import annotations

WHO = "Promptly, Riverside Counselling"
ADDRESS = "clinic@clinic.test"

LANGUAGES = ("en", "fr", "de", "es")

FROM = f"{WHO} <{ADDRESS}>"
WROTE = {
    "apple": {
        "en": f"On Nov 5, 2026, at 2:00 PM, {FROM} wrote:",
        "fr": f"Le 5 nov. 2026 à 14:00, {FROM} a écrit :",
        "de": f"Am 05.11.2026 um 14:00 schrieb {FROM}:",
        "es": f"El 5 nov 2026, a las 14:00, {FROM} escribió:",
    },
    "gmail": {
        "en": f"On Thu, Nov 5, 2026 at 2:00\u202fPM {FROM} wrote:",
        "fr": f"Le jeu. 5 nov. 2026 à 14:00, {FROM} a écrit :",
        "de": f"Am Do., 5. Nov. 2026 um 14:00 Uhr schrieb {FROM}:",
        "es": f"El jue, 5 nov 2026 a las 14:00, {WHO} (<{ADDRESS}>) escribió:",
    },
    "yahoo": {
        "en": f"On Thursday, November 5, 2026 at 02:00:04 PM EST, {FROM} wrote:",
        "fr": f"Le jeudi 5 novembre 2026 à 14:00:04 UTC−5, {FROM} a écrit :",
        "de": f"Am Donnerstag, 5. November 2026 um 14:00:04 GMT-5 hat {FROM} Folgendes geschrieben:",
        "es": f"El jueves, 5 de noviembre de 2026, 14:00:04 GMT-5, {FROM} escribió:",
    },
    "thunderbird": {
        "en": f"On 2026-11-05 2:00 p.m., {WHO} wrote:",
        "fr": f"Le 05/11/2026 à 14:00, {WHO} a écrit :",
        "de": f"Am 05.11.26 um 14:00 schrieb {WHO}:",
        "es": f"El 5/11/26 a las 14:00, {WHO} escribió:",
    },
}
BLOCK = {
    "en": ("From", "Sent", "Thursday, November 5, 2026 2:00 PM", "To", "Subject"),
    "fr": ("De", "Envoyé", "jeudi 5 novembre 2026 14:00", "À", "Objet"),
    "de": ("Von", "Gesendet", "Donnerstag, 5. November 2026 14:00", "An", "Betreff"),
    "es": ("De", "Enviado", "jueves, 5 de noviembre de 2026 14:00", "Para", "Asunto"),
}
ORIGINAL = {
    "en": "Original Message",
    "fr": "Message d'origine",
    "de": "Ursprüngliche Nachricht",
    "es": "Mensaje original",
}
SIGNED = {
    "iphone": {
        "en": "Sent from my iPhone",
        "fr": "Envoyé de mon iPhone",
        "de": "Von meinem iPhone gesendet",
        "es": "Enviado desde mi iPhone",
    },
    "galaxy": {
        "en": "Sent from my Galaxy",
        "fr": "Envoyé depuis mon appareil Galaxy",
        "de": "Von meinem Galaxy gesendet",
        "es": "Enviado desde mi Galaxy",
    },
    "outlook": {
        "en": "Get Outlook for iOS",
        "fr": "Obtenir Outlook pour iOS",
        "de": "Outlook für iOS beziehen",
        "es": "Obtener Outlook para iOS",
    },
    "yahoo": {
        "en": "Sent from Yahoo Mail on Android",
        "fr": "Envoyé à partir de Yahoo Mail sur Android",
        "de": "Gesendet von Yahoo Mail auf Android",
        "es": "Enviado desde Yahoo Mail en Android",
    },
}
REPLY = {"en": "Re:", "fr": "RE :", "de": "AW:", "es": "RE:"}
