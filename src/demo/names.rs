//! The words that demo companies, invoices and tickets are made of.

pub(crate) const COMPANY_FIRST: &[&str] = &[
    "Blue", "Silver", "North", "Harbor", "Copper", "Bright", "Stone", "Willow", "Summit", "Amber",
    "River", "Falcon", "Cedar", "Quiet", "Iron", "Maple", "Lunar", "Coral", "Velvet", "Orchard",
    "Granite", "Meadow", "Polar", "Crimson", "Ember", "Juniper", "Atlas", "Beacon", "Cobalt",
    "Delta", "Echo", "Fjord",
];

pub(crate) const COMPANY_SECOND: &[&str] = &[
    "Works",
    "Logistics",
    "Foods",
    "Robotics",
    "Textiles",
    "Optics",
    "Marine",
    "Software",
    "Printing",
    "Energy",
    "Ceramics",
    "Audio",
    "Pharma",
    "Seeds",
    "Tools",
    "Media",
    "Travel",
    "Cycles",
    "Dairy",
    "Glass",
    "Lighting",
    "Paper",
    "Metals",
    "Games",
    "Plumbing",
    "Timber",
    "Coffee",
    "Batteries",
    "Sensors",
    "Fashion",
    "Furniture",
    "Airways",
];

pub(crate) const INDUSTRIES: &[&str] = &[
    "Manufacturing",
    "Logistics",
    "Food & Beverage",
    "Software",
    "Health",
    "Energy",
    "Retail",
    "Media",
];

pub(crate) const AGENTS: &[(&str, &str)] = &[
    ("Dana Whitfield", "dana.whitfield@helpdesk.example"),
    ("Mateo Ruiz", "mateo.ruiz@helpdesk.example"),
    ("Ingrid Sæther", "ingrid.saether@helpdesk.example"),
    ("Tomasz Baran", "tomasz.baran@helpdesk.example"),
    ("Chidi Eze", "chidi.eze@helpdesk.example"),
];

pub(crate) const SELLERS: &[(&str, &str)] = &[
    ("Alex Morgan", "alex.morgan@sales.example"),
    ("Beatriz Lima", "beatriz.lima@sales.example"),
    ("Jonas Keller", "jonas.keller@sales.example"),
    ("Sunita Rao", "sunita.rao@sales.example"),
];

/// What people are at their company, and where.
pub(crate) const TITLES: &[(&str, &str)] = &[
    ("Head of Purchasing", "Purchasing"),
    ("Accountant", "Finance"),
    ("IT Manager", "IT"),
    ("Managing Director", "Management"),
    ("Office Manager", "Office"),
    ("Produktionsleiter/-in", "Production"),
];

pub(crate) const TAGS: &[&str] =
    &["vip", "newsletter", "reference", "beta", "partner", "reseller", "at risk", "événement"];

/// What is sold: a product code, its name, its price in whole units of a middling currency.
pub(crate) const PRODUCTS: &[(&str, &str, u64)] = &[
    ("prod_seat", "Workspace seat", 19),
    ("prod_storage", "Storage, 100 GB", 8),
    ("prod_support", "Premium support", 149),
    ("prod_api", "API calls, 1 million", 35),
    ("prod_train", "Training day (on site)", 1190),
    ("prod_sensor", "Sensor kit \"Fjord\"", 89),
    ("prod_setup", "Set-up & migration", 450),
];

pub(crate) const SUBJECTS: &[&str] = &[
    "Cannot sign in since this morning",
    "Invoice shows the wrong VAT number",
    "How do I export my data?",
    "Délai de livraison dépassé",
    "<b>URGENT</b> printer & scanner offline",
    "Übersetzung im Menü fehlt",
    "App crashes when I tap \"Save\"",
    "請求書の再発行をお願いします",
    "Feature request: dark mode 🌙",
    "Refund for order #4471",
    "Slow since update 5 < 6 > 4?",
    "Change of address",
];

pub(crate) const MESSAGES: &[&str] = &[
    "Hello, it worked until yesterday. Since then I only see a blank page.",
    "Thank you for writing. Could you send us a screenshot?",
    "Here it is. By the way: it happens with <script>-like names too & with 'quotes'.",
    "We found the cause and are rolling out a fix today.",
    "Works again, many thanks! ✔",
    "Is there any news on this?\nBest regards",
    "Leider besteht das Problem weiterhin. Viele Grüße",
    "We have passed this on to our second level.",
];

pub(crate) const NOTES: &[&str] = &[
    "Known issue, see problem record 118.",
    "Customer was promised a call back.",
    "Check the contract before offering a refund.",
];

/// A name as it can stand in an e-mail address or a domain: small ASCII letters and apostrophes.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        let plain = match letter {
            'ä' | 'à' | 'á' | 'â' | 'å' | 'ā' | 'ą' => "a",
            'ç' | 'č' | 'ć' => "c",
            'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ē' => "e",
            'í' | 'î' | 'ï' | 'ı' | 'ì' | 'ī' => "i",
            'ł' => "l",
            'ñ' | 'ń' => "n",
            'ö' | 'ó' | 'ô' | 'ò' | 'ø' | 'ō' => "o",
            'ś' | 'š' => "s",
            'ß' => "ss",
            'ü' | 'ú' | 'û' | 'ù' | 'ū' => "u",
            'ž' | 'ż' | 'ź' => "z",
            'æ' => "ae",
            _ => {
                if letter.is_ascii_alphanumeric() || letter == '\'' || letter == '-' {
                    folded.push(letter);
                }
                continue;
            }
        };
        folded.push_str(plain);
    }
    folded
}
