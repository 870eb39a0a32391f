"""What mail programs put around a reply, in four languages: attributions, header blocks, dividers, signatures. Data."""

from __future__ import annotations

WHO = "Promptly, Riverside Counselling"
ADDRESS = "clinic@clinic.test"

LANGUAGES = ("en", "fr", "de", "es")

WATCHES = """
{answer}//Sent from my Apple Watch
{answer}//Sent from my Galaxy Watch
{answer}//Sent from my Garmin
{answer}//Sent from my Pixel Watch
{answer}.//Sent from my iPhone
{answer}!
{answer}//Dictated with Siri, please excuse typos
{answer} 👍
""".strip().splitlines()
"""What a watch, a car and a dictating telephone make of an answer; ``/`` is a line's end."""

ATTRIBUTIONS = """
en: On Thu, Nov 5, 2026 at 14:00 {who} <{address}> wrote:
fr: Le jeu. 5 nov. 2026 à 14:00, {who} <{address}> a écrit :
de: Am Do., 5. Nov. 2026 um 14:00 Uhr schrieb {who} <{address}>:
es: El jue, 5 nov 2026 a las 14:00, {who} (<{address}>) escribió:
it: Il giorno gio 5 nov 2026 alle ore 14:00 {who} <{address}> ha scritto:
pt: Em qui., 5 de nov. de 2026 às 14:00, {who} <{address}> escreveu:
nl: Op do 5 nov 2026 om 14:00 schreef {who} <{address}>:
pl: czw., 5 lis 2026 o 14:00 {who} <{address}> napisał(a):
sv: Den tors 5 nov. 2026 kl 14:00 skrev {who} <{address}>:
da: Den tor. 5. nov. 2026 kl. 14.00 skrev {who} <{address}>:
no: tor. 5. nov. 2026 kl. 14:00 skrev {who} <{address}>:
fi: to 5. marrask. 2026 klo 14.00 {who} <{address}> kirjoitti:
cs: čt 5. 11. 2026 v 14:00 odesílatel {who} <{address}> napsal:
sk: št 5. 11. 2026 o 14:00 {who} <{address}> napísal(a):
hu: {who} <{address}> ezt írta (időpont: 2026. nov. 5., Cs 14:00):
ro: joi, 5 nov. 2026 la 14:00, {who} <{address}> a scris:
hr: čet, 5. stu 2026. u 14:00 {who} <{address}> napisao je:
sl: V čet., 5. nov. 2026 ob 14:00 je oseba {who} <{address}> napisala:
el: Στις Πέμ 5 Νοε 2026 στις 14:00, ο/η {who} <{address}> έγραψε:
tr: {who} <{address}>, 5 Kas 2026 Per, 14:00 tarihinde şunu yazdı:
ru: чт, 5 нояб. 2026 г. в 14:00, {who} <{address}>:
uk: чт, 5 лист. 2026 р. о 14:00 {who} <{address}> пише:
he: בתאריך יום ה׳, 5 בנוב׳ 2026 ב-14:00 מאת {who} <{address}>:
ar: في الخميس، 5 نوفمبر 2026 في 14:00 تمت كتابة ما يلي بواسطة {who} <{address}>:
ja: 2026年11月5日(木) 14:00 {who} <{address}>:
zh: {who} <{address}> 于2026年11月5日周四 14:00写道：
ko: 2026년 11월 5일 (목) 오후 2:00, {who} <{address}>님이 작성:
vi: Vào Th 5, 5 thg 11, 2026 vào lúc 14:00 {who} <{address}> đã viết:
""".strip().splitlines()
"""How mail programs of 27 languages and more introduce what they quote."""

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
