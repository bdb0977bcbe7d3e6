/* SPDX-License-Identifier: Apache-2.0 */
/* The word tables. Their content and order are part of DATASET_VERSION. */
#include "words.h"

#define W(text)                        \
	{                              \
		text, sizeof(text) - 1 \
	}
#define C(city, country)            \
	{                           \
		W(city), W(country) \
	}

const struct dataset_word words_given[] = {
	W("Maria"),  W("Wei"),   W("Mohammed"), W("Anna"),   W("José"),   W("Olga"),         W("John"),     W("Fatima"),
	W("Yuki"),   W("Peter"), W("Aisha"),    W("Carlos"), W("Ivan"),   W("Sofia"),        W("Ahmed"),    W("Elena"),
	W("David"),  W("Priya"), W("Lukas"),    W("Chiara"), W("Tomasz"), W("Ana \"Bibi\""), W("Zoë"),      W("Nils"),
	W("Amara"),  W("Kofi"),  W("Ingrid"),   W("Mateo"),  W("Hana"),   W("Noah"),         W("Leila"),    W("Björn"),
	W("Oksana"), W("Ravi"),  W("Thandi"),   W("Émile"),  W("Sven"),   W("Mei"),          W("Paulo"),    W("Grace"),
	W("Dmitri"), W("Aylin"), W("Conor"),    W("Marta"),  W("Haruto"), W("Linh"),         W("Jean-Luc"), W("Esra"),
	W("Viktor"), W("Nour"),  W("Kwame"),    W("Astrid"), W("Diego"),  W("Sanna"),        W("Bao"),      W("Ruth"),
	W("Željko"), W("Ines"),  W("Tariq"),    W("Maja"),   W("Ole"),    W("Rosa"),         W("Xiomara"),
};

const struct dataset_word words_family[] = {
	W("Wang"),      W("Silva"),  W("Smith"),        W("Ali"),      W("García"),  W("Kumar"),     W("Ivanova"),
	W("Nguyen"),    W("Kim"),    W("Müller"),       W("Tanaka"),   W("Khan"),    W("Rossi"),     W("Jones"),
	W("Santos"),    W("Hansen"), W("Novák"),        W("Okafor"),   W("Haddad"),  W("O'Brien"),   W("Kowalski"),
	W("Lindqvist"), W("Yılmaz"), W("Popescu"),      W("Mensah"),   W("Dubois"),  W("Virtanen"),  W("Jansen"),
	W("Sato"),      W("Mbeki"),  W("Petrov"),       W("Castillo"), W("Fischer"), W("Abebe"),     W("Moreau"),
	W("Singh"),     W("Chen"),   W("Berg"),         W("Costa"),    W("Horvat"),  W("Murphy"),    W("Nagy"),
	W("Ibrahim"),   W("Larsen"), W("Papadopoulos"), W("Reyes"),    W("Schmidt"), W("Takahashi"), W("Vega"),
	W("Weber"),     W("Zhang"),  W("Andersson"),    W("Bianchi"),  W("Delgado"), W("Eriksen"),   W("Farah"),
	W("Gómez"),     W("Hoang"),  W("Jensen"),       W("Kaya"),     W("López"),   W("Marković"),  W("de la Cruz"),
};

const struct words_city words_cities[] = {
	C("São Paulo", "Brazil"),
	C("London", "United Kingdom"),
	C("Mumbai", "India"),
	C("Shanghai", "China"),
	C("New York", "United States"),
	C("Berlin", "Germany"),
	C("Lagos", "Nigeria"),
	C("Tokyo", "Japan"),
	C("Delhi", "India"),
	C("Los Angeles", "United States"),
	C("Paris", "France"),
	C("Istanbul", "Turkey"),
	C("Ciudad de México", "Mexico"),
	C("Jakarta", "Indonesia"),
	C("Cairo", "Egypt"),
	C("Madrid", "Spain"),
	C("Seoul", "South Korea"),
	C("Toronto", "Canada"),
	C("Kraków", "Poland"),
	C("Bengaluru", "India"),
	C("Chicago", "United States"),
	C("Rio de Janeiro", "Brazil"),
	C("Manila", "Philippines"),
	C("Rome", "Italy"),
	C("Amsterdam", "Netherlands"),
	C("Göteborg", "Sweden"),
	C("Nairobi", "Kenya"),
	C("Buenos Aires", "Argentina"),
	C("Hamburg", "Germany"),
	C("Lyon", "France"),
	C("Osaka", "Japan"),
	C("Sydney", "Australia"),
	C("Houston", "United States"),
	C("Beijing", "China"),
	C("Karachi", "Pakistan"),
	C("Dhaka", "Bangladesh"),
	C("Bogotá", "Colombia"),
	C("Lima", "Peru"),
	C("Hà Nội", "Vietnam"),
	C("Bangkok", "Thailand"),
	C("Warsaw", "Poland"),
	C("Vienna", "Austria"),
	C("Zürich", "Switzerland"),
	C("Oslo", "Norway"),
	C("Copenhagen", "Denmark"),
	C("Helsinki", "Finland"),
	C("Dublin", "Ireland"),
	C("Lisbon", "Portugal"),
	C("Athens", "Greece"),
	C("Prague", "Czechia"),
	C("Budapest", "Hungary"),
	C("Bucharest", "Romania"),
	C("Kyiv", "Ukraine"),
	C("Casablanca", "Morocco"),
	C("Accra", "Ghana"),
	C("Addis Ababa", "Ethiopia"),
	C("Cape Town", "South Africa"),
	C("Riyadh", "Saudi Arabia"),
	C("Dubai", "Emirates"),
	C("Tel Aviv", "Israel"),
	C("Melbourne", "Australia"),
	C("Santiago", "Chile"),
	C("Reykjavík", "Iceland"),
};

const struct dataset_word words_plans[] = {
	W("free"), W("basic"), W("family"), W("pro"), W("team"), W("student"), W("enterprise"),
};
