"""The words that carriers and switches put above their columns, in English, German, French, Spanish and Japanese.

For each field the words stand in order of preference: where a file has several, the earlier one is read.
"""

RATE_WORDS: dict[str, tuple[str, ...]] = {
    "prefix": (
        "prefix", "prefixes", "destination prefixes", "destination prefix", "dial prefix", "dialprefix", "dial code",
        "dialcode", "dial codes", "dialing code", "dialling code", "dialing prefix", "number prefix", "pattern", "code",
        "codes", "area code", "destination code", "vorwahl", "vorwahlen", "präfix", "rufnummernblock", "indicatif",
        "préfixe", "prefijo", "番号帯", "プレフィックス", "番号", "電話番号", "国番号", "局番",
    ),
    "destination": (
        "destination", "destination name", "description", "comment", "friendly name", "zone", "ziel", "zielgebiet",
        "bezeichnung", "地域", "対地", "行先", "着信先", "地域名", "destino", "libellé", "region", "area", "name",
        "location", "land", "国名", "国", "pays", "país", "country", "country name",
    ),
    "country": ("iso", "iso country", "country iso", "iso code", "iso2", "country iso2", "land iso", "国コード"),
    "price": (
        "price", "rate", "cost", "tariff", "sell rate", "sellrate", "retail rate", "call rate", "current price",
        "rate initial", "rateinitial", "voice rate", "preis", "tarif", "minutenpreis", "prix", "precio", "tarifa",
        "料金", "単価", "通話料", "通話料金", "分単価", "1分料金", "料金円",
    ),
    "first_price": (
        "initial rate", "initial price", "first minute", "first minute rate", "first minute price", "1st minute",
        "price first minute", "erste minute", "preis erste minute", "最初の1分", "初め1分",
    ),
    "next_price": (
        "increment rate", "increment price", "next minute", "next minutes", "next rate", "additional minute",
        "additional minutes", "each additional minute", "additional rate", "subsequent rate", "next minute rate",
        "next minute price", "folgeminute", "weitere minuten", "preis folgeminute", "以降1分", "次の1分",
    ),
    "connect_fee": (
        "connect fee", "connectfee", "connection fee", "connection cost", "connectcost", "connect cost",
        "connection charge", "connect charge", "connectcharge", "setup fee", "set up fee", "setup charge", "setup",
        "flagfall", "verbindungsgebühr", "verbindungsentgelt", "einmalgebühr", "接続料", "接続料金",
    ),
    "increment": (
        "increment", "increment s", "increments", "inc", "billing increment", "billing increments", "billingblock",
        "billing block", "next increment", "subsequent increment", "interval n", "interval", "takt", "taktung",
        "abrechnungstakt", "課金単位", "課金間隔", "課金秒数",
    ),
    "first_increment": (
        "initial increment", "min s", "initblock", "init block", "first increment", "minimum", "min duration",
        "minimum duration", "minimum time", "min seconds", "minimum seconds", "interval 1", "mindestdauer",
        "最低通話時間", "最低課金時間", "最低課金秒数",
    ),
    "free_seconds": (
        "free seconds", "includedseconds", "included seconds", "inclusive seconds", "freisekunden", "無料秒数",
    ),
    "grace": ("grace time", "grace", "grace seconds", "grace period"),
    "max_cost": ("max cost", "maxcost", "maximum cost", "maximum charge", "price cap", "上限料金"),
    "effective_from": (
        "effective from", "effective date", "effective", "valid from", "start date", "gültig ab", "date d effet",
        "適用開始日", "有効開始日", "適用日",
    ),
    "currency": ("currency", "währung", "devise", "moneda", "通貨"),
    "origin": ("origination prefixes", "origination prefix", "origin", "origin prefix"),
    "service": ("service",),
    "status": ("status",),
}  # fmt: skip

CALL_WORDS: dict[str, tuple[str, ...]] = {
    "call_id": ("call id", "callid", "uniqueid", "unique id", "uuid", "call reference", "reference", "通話id"),
    "to_number": (
        "to", "to number", "callee", "called number", "called", "destination number", "dst", "destination",
        "callee number", "dialed number", "dialled number", "着信番号", "発信先",
    ),
    "from_number": (
        "from", "from number", "caller", "caller number", "caller id number", "calling number", "src", "source",
        "caller id", "発信番号", "発信元",
    ),
    "answered_at": (
        "answered at", "answer time", "answer stamp", "answer", "answered", "answer utc", "start utc", "応答日時",
        "応答時刻",
    ),
    "started_at": (
        "started at", "start time", "start stamp", "starting date", "start", "calldate", "call date", "date time",
        "開始日時", "開始時刻",
    ),
    "duration_seconds": (
        "billsec", "billed seconds", "duration seconds", "duration s", "duration sec", "duration", "talk time",
        "通話秒数", "通話時間",
    ),
    "ringing_and_talk": ("duration",),
    "disposition": ("disposition", "hangup cause", "status", "call status", "結果"),
    "service": ("service",),
    "direction": ("direction", "call direction"),
    "user_no": ("user no", "user number"),
    "account": ("account", "account id", "accountid"),
}  # fmt: skip
