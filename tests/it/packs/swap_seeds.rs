//! One set of customers, as each of six vendors keeps it.

use serde_json::{Value, json};

use super::hubspot_api::{self, HubSpot};
use super::netsuite_api::{NetSuite, Record};
use super::request_tracker_api::RequestTracker;
use super::salesforce_api::Salesforce;
use super::stripe_api::Stripe;
use super::zendesk_api::Zendesk;

/// A person whose address has a quote.
pub(crate) const ZOE: &str = "zoe.o'neil@example.com";
/// Known to the CRM alone.
pub(crate) const ALONE: &str = "alone@example.com";
/// Two accounts of billing have this address.
pub(crate) const TWICE: &str = "twice@example.com";

const CREATED: &str = "2024-03-01T08:00:00Z";
const UPDATED: &str = "2026-02-03T04:05:06Z";
/// The same, as Unix seconds.
const ISSUED_SECONDS: u64 = 1_767_607_200;
const ISSUED: &str = "2026-01-05T10:00:00.000Z";
const DUE_SECONDS: u64 = 1_769_904_000;
const DUE: &str = "2026-02-01T00:00:00.000Z";

pub(crate) fn hubspot() -> HubSpot {
    let record = |id: &str, properties: Value| {
        let mut record = hubspot_api::record(id, properties);
        (record["createdAt"], record["updatedAt"]) = (json!(CREATED), json!(UPDATED));
        record
    };
    HubSpot {
        contacts: vec![
            record(
                "101",
                json!({
                    "firstname": "Zoë", "lastname": "O'Neil", "email": ZOE, "phone": "+43 1 5550100", "jobtitle": "Buyer", "hs_analytics_source": "Web",
                    "address": "Ring 1", "city": "Wien", "state": "Wien", "zip": "1010", "associatedcompanyid": "501", "hubspot_owner_id": "7",
                }),
            ),
            record("102", json!({ "firstname": "Al", "lastname": "One", "email": ALONE })),
            record("103", json!({ "firstname": "Two", "lastname": "Fold", "email": TWICE })),
        ],
        companies: vec![
            record(
                "501",
                json!({
                    "name": "Acme", "website": "https://acme.example", "phone": "+43 1 5550000", "industry": "Desks", "numberofemployees": "1250",
                    "annualrevenue": "1200000.50", "address": "Ring 2", "city": "Wien", "state": "Wien", "zip": "1010",
                    "hs_parent_company_id": "502", "hubspot_owner_id": "7",
                }),
            ),
            record("502", json!({ "name": "Holding" })),
        ],
        deals: vec![
            record(
                "9001",
                json!({
                    "dealname": "Renewal", "amount": "1250.50", "dealstage": "Proposal", "hs_deal_stage_probability": "0.75",
                    "hs_projected_amount": "937.875", "hs_is_closed": "false", "hs_is_closed_won": "false", "closedate": "2026-06-30T00:00:00Z",
                    "hs_primary_associated_company": "501", "hubspot_owner_id": "7", "hs_analytics_source": "Web",
                }),
            ),
            record(
                "9002",
                json!({
                    "dealname": "Lost", "dealstage": "Closed Lost", "hs_is_closed": "true", "hs_is_closed_won": "false",
                    "hs_primary_associated_company": "501",
                }),
            ),
        ],
        links: [("contacts", "101"), ("companies", "501")]
            .into_iter()
            .flat_map(|(kind, id)| {
                ["9001", "9002"].map(|deal| (kind, id.to_owned(), deal.to_owned()))
            })
            .chain([("companies>contacts", "501".to_owned(), "101".to_owned())])
            .collect(),
        owners: vec![
            json!({ "id": "7", "email": "rita@us.example", "firstName": "Rita", "lastName": "Rep" }),
        ],
        ..HubSpot::default()
    }
}

pub(crate) fn salesforce() -> Salesforce {
    let record = |id: &str, more: Value| {
        let mut record = json!({
            "Id": id, "IsDeleted": false, "CreatedDate": "2024-03-01T08:00:00.000+0000", "LastModifiedDate": "2026-02-03T04:05:06.000+0000",
            "SystemModstamp": "2026-02-03T04:05:06.000+0000",
        });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record
    };
    let rita = json!({ "Name": "Rita Rep", "Email": "rita@us.example" });
    let (zoe, acme, holding) = ("003A000000zoezoIAQ", "001A000000acmeAIAQ", "001A000000holdAIAQ");
    let deals = ["006A000000dealAIAQ", "006A000000dealBIAQ"];
    let contacts = vec![
        record(
            zoe,
            json!({
                "FirstName": "Zoë", "LastName": "O'Neil", "Name": "Zoë O'Neil", "Email": ZOE, "Phone": "+43 1 5550100", "Title": "Buyer", "LeadSource": "Web",
                "MailingStreet": "Ring 1", "MailingCity": "Wien", "MailingState": "Wien", "MailingPostalCode": "1010", "AccountId": acme, "Owner": rita,
            }),
        ),
        record(
            "003A000000aloneIAQ",
            json!({ "FirstName": "Al", "LastName": "One", "Name": "Al One", "Email": ALONE }),
        ),
        record(
            "003A000000twiceIAQ",
            json!({ "FirstName": "Two", "LastName": "Fold", "Name": "Two Fold", "Email": TWICE }),
        ),
    ];
    let accounts = vec![
        record(
            acme,
            json!({
                "Name": "Acme", "Website": "https://acme.example", "Phone": "+43 1 5550000", "Industry": "Desks", "NumberOfEmployees": 1250,
                "AnnualRevenue": 1_200_000.5, "BillingStreet": "Ring 2", "BillingCity": "Wien", "BillingState": "Wien", "BillingPostalCode": "1010",
                "ParentId": holding, "Owner": rita,
            }),
        ),
        record(holding, json!({ "Name": "Holding" })),
    ];
    let opportunities = vec![
        record(
            deals[0],
            json!({
                "Name": "Renewal", "Amount": 1250.5, "StageName": "Proposal", "Probability": 75.0, "ExpectedRevenue": 937.875, "IsWon": false,
                "IsClosed": false, "CloseDate": "2026-06-30", "AccountId": acme, "Owner": rita, "LeadSource": "Web",
            }),
        ),
        record(
            deals[1],
            json!({ "Name": "Lost", "StageName": "Closed Lost", "IsWon": false, "IsClosed": true, "AccountId": acme }),
        ),
    ];
    let roles =
        deals.map(|id| json!({ "Id": format!("00K{id}"), "ContactId": zoe, "OpportunityId": id }));
    Salesforce {
        records: [
            ("Contact", contacts),
            ("Account", accounts),
            ("Opportunity", opportunities),
            ("OpportunityContactRole", roles.into()),
        ]
        .into(),
        page: 0,
    }
}

pub(crate) fn stripe() -> Stripe {
    let invoice = |id: &str,
                   number: &str,
                   status: &str,
                   currency: &str,
                   sums: [u64; 4],
                   unit: u64| {
        let [subtotal, tax, total, paid] = sums;
        json!({
            "object": "invoice", "id": id, "number": number, "status": status, "currency": currency, "customer": "cus_1", "created": ISSUED_SECONDS,
            "due_date": DUE_SECONDS, "status_transitions": { "finalized_at": ISSUED_SECONDS }, "subtotal": subtotal, "tax": tax, "total": total,
            "amount_paid": paid, "amount_remaining": total - paid, "description": "Thank you", "metadata": {},
            "lines": { "data": [{ "description": "Gold", "quantity": 2, "amount": subtotal, "currency": currency, "price": { "unit_amount": unit, "product": "Gold" } }] },
        })
    };
    let refund = json!({
        "object": "refund", "id": "re_1", "amount": 1_000, "currency": "eur", "status": "succeeded", "reason": "duplicate", "receipt_number": "4712",
        "charge": "ch_1", "created": ISSUED_SECONDS, "metadata": {},
    });
    let person = |id: &str, email: &str| json!({ "object": "customer", "id": id, "email": email, "metadata": {} });
    Stripe {
        objects: vec![
            person("cus_1", ZOE),
            person("cus_2", TWICE),
            person("cus_3", TWICE),
            invoice("in_2", "R-2", "open", "jpy", [39_800, 0, 39_800, 0], 19_900),
            invoice("in_1", "R-1", "paid", "eur", [10_050, 2_000, 12_050, 12_050], 5_025),
            json!({
                "object": "charge", "id": "ch_1", "amount": 12_050, "amount_refunded": 1_000, "currency": "eur", "status": "succeeded", "captured": true,
                "refunded": false, "created": ISSUED_SECONDS, "customer": "cus_1", "invoice": "in_1", "receipt_number": "4711", "metadata": {}, "refunds": { "has_more": false, "data": [refund] },
                "payment_method_details": { "type": "card", "card": { "brand": "visa", "last4": "4242" } },
            }),
            json!({
                "object": "credit_note", "id": "cn_1", "number": "CN-1", "status": "issued", "currency": "eur", "total": 500, "memo": "Goodwill",
                "invoice": "in_1", "customer": "cus_1", "created": ISSUED_SECONDS, "metadata": {},
                "lines": { "data": [{ "description": "Late", "quantity": 1, "amount": 500, "unit_amount": 500 }] },
            }),
        ],
    }
}

fn in_books(kind: &'static str, ty: &'static str, id: &str, elements: String) -> Record {
    Record { kind, ty, id: id.to_owned(), external_id: None, elements }
}

/// An invoice of two pieces, with its words and its sums.
fn booked_invoice(id: &str, words: [&str; 3], sums: [&str; 5], unit: &str) -> Record {
    let ([number, status, currency], [subtotal, tax, total, paid, open]) = (words, sums);
    let elements = format!(
        "<s:createdDate>{ISSUED}</s:createdDate><s:entity internalId=\"1001\"/><s:tranDate>{ISSUED}</s:tranDate><s:tranId>{number}</s:tranId>\
         <s:currency internalId=\"9\"><c:name>{currency}</c:name></s:currency><s:dueDate>{DUE}</s:dueDate><s:memo>not for customers</s:memo>\
         <s:amountPaid>{paid}</s:amountPaid><s:amountRemaining>{open}</s:amountRemaining><s:message>Thank you</s:message>\
         <s:subTotal>{subtotal}</s:subTotal><s:taxTotal>{tax}</s:taxTotal><s:total>{total}</s:total><s:status>{status}</s:status>\
         <s:itemList><s:item><s:item internalId=\"217\"><c:name>Gold</c:name></s:item><s:line>1</s:line><s:description>Gold</s:description>\
         <s:amount>{subtotal}</s:amount><s:quantity>2.0</s:quantity><s:rate>{unit}</s:rate></s:item></s:itemList>"
    );
    in_books("invoice", "s:Invoice", id, elements)
}

/// What was paid, given back and paid back.
fn booked_money() -> [Record; 3] {
    let apply = |state: &str, doc: &str, amount: &str| {
        format!(
            "<t:apply><t:apply>{state}</t:apply><t:doc>{doc}</t:doc><t:amount>{amount}</t:amount></t:apply>"
        )
    };
    let euro = "<t:currency internalId=\"4\"><c:name>EUR</c:name></t:currency>";
    let (used, could) = (apply("true", "5001", "120.5"), apply("false", "5002", "0.0"));
    let payment = format!(
        "<t:createdDate>{ISSUED}</t:createdDate><t:customer internalId=\"1001\"/>{euro}<t:payment>120.5</t:payment><t:tranDate>{ISSUED}</t:tranDate>\
         <t:paymentMethod internalId=\"5\"><c:name>VISA</c:name></t:paymentMethod><t:checkNum>4711</t:checkNum><t:status>Deposited</t:status>\
         <t:applyList>{could}{used}</t:applyList>"
    );
    let memo = format!(
        "<t:createdDate>{ISSUED}</t:createdDate>{euro}<t:entity internalId=\"1001\"/><t:tranDate>{ISSUED}</t:tranDate><t:tranId>CN-1</t:tranId>\
         <t:createdFrom internalId=\"5001\"/><t:memo>Goodwill</t:memo><t:unapplied>5.0</t:unapplied><t:total>5.0</t:total><t:status>Open</t:status>\
         <t:itemList><t:item><t:line>1</t:line><t:quantity>1.0</t:quantity><t:description>Late</t:description><t:rate>5.00</t:rate>\
         <t:amount>5.0</t:amount></t:item></t:itemList><t:applyList>{}</t:applyList>",
        apply("true", "5001", "5.0")
    );
    let refund = format!(
        "<t:createdDate>{ISSUED}</t:createdDate><t:customer internalId=\"1001\"/><t:total>10.0</t:total>{euro}<t:tranDate>{ISSUED}</t:tranDate>\
         <t:memo>duplicate</t:memo><t:tranId>4712</t:tranId>"
    );
    [
        in_books("customerPayment", "t:CustomerPayment", "5101", payment),
        in_books("creditMemo", "t:CreditMemo", "5201", memo),
        in_books("customerRefund", "t:CustomerRefund", "5301", refund),
    ]
}

pub(crate) fn netsuite() -> NetSuite {
    let person = |id: &str, email: &str| {
        let elements = format!(
            "<r:entityId>C{id}</r:entityId><r:isPerson>true</r:isPerson><r:email>{email}</r:email><r:balance>39800.0</r:balance>\
             <r:currency internalId=\"3\"><c:name>JPY</c:name></r:currency>"
        );
        in_books("customer", "r:Customer", id, elements)
    };
    let (paid, open) = (
        ["100.5", "20.0", "120.5", "120.5", "0.0"],
        ["39800.0", "0.0", "39800.0", "0.0", "39800.0"],
    );
    let mut records = vec![
        person("1001", ZOE),
        person("1002", TWICE),
        person("1003", TWICE),
        booked_invoice("5001", ["R-1", "Paid In Full", "EUR"], paid, "50.25"),
        booked_invoice("5002", ["R-2", "Open", "JPY"], open, "19900.00"),
    ];
    records.extend(booked_money());
    NetSuite { records, ..NetSuite::default() }
}

pub(crate) fn zendesk() -> Zendesk {
    let user = |id: u64, name: &str, email: &str, role: &str| json!({ "id": id, "name": name, "email": email, "role": role });
    let ticket = |id: u64, more: Value| {
        let mut ticket = json!({
            "id": id, "type": null, "via": { "channel": "email" }, "requester_id": 11, "assignee_id": null, "group_id": 31, "tags": [],
            "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-03T03:04:05Z", "due_at": null, "solved": null,
        });
        ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ticket
    };
    let said = |ticket: u64, id: u64, author: u64, text: &str, public: bool| {
        let created = format!("2026-01-02T0{}:04:05Z", id % 10);
        (
            ticket,
            json!({ "id": id, "author_id": author, "body": text, "public": public, "created_at": created }),
        )
    };
    Zendesk {
        tickets: vec![
            ticket(
                71,
                json!({ "subject": "Zoë's <b>printer</b>", "status": "open", "priority": "high", "assignee_id": 21, "due_at": "2031-01-02T03:04:05Z" }),
            ),
            ticket(
                72,
                json!({ "subject": "Desks", "status": "solved", "priority": "low", "solved": "2026-01-03T03:04:05Z" }),
            ),
        ],
        users: vec![
            user(11, "Zoë O'Neil", ZOE, "end-user"),
            user(21, "Dana Desk", "dana@us.example", "agent"),
        ],
        groups: vec![json!({ "id": 31, "name": "First level" })],
        comments: vec![
            said(71, 3, 11, "It does not work.", true),
            said(71, 4, 21, "Upset.", false),
            said(71, 5, 21, "We are on it.", true),
            said(72, 3, 11, "Which color?", true),
        ],
    }
}

pub(crate) fn request_tracker() -> RequestTracker {
    let zoe = json!({ "Name": ZOE, "RealName": "Zoë O'Neil", "EmailAddress": ZOE });
    let dana =
        json!({ "Name": "dana", "RealName": "Dana Desk", "EmailAddress": "dana@us.example" });
    let ticket = |id: &str, more: Value| {
        let mut ticket = json!({
            "id": id, "EffectiveId": { "id": id, "type": "ticket" }, "Requestor": [zoe], "Owner": { "Name": "Nobody", "RealName": "Nobody in particular" },
            "Queue": { "Name": "First level" }, "Created": "2026-01-02T03:04:05Z", "LastUpdated": "2026-01-03T03:04:05Z",
            "Resolved": "1970-01-01T00:00:00Z", "Due": "1970-01-01T00:00:00Z",
        });
        ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ticket
    };
    let said = |ticket: &str, id: &str, kind: &str, author: &Value, text: &str| {
        let created = format!("2026-01-02T0{id}:04:05Z");
        json!({ "ObjectId": ticket, "id": format!("{ticket}{id}"), "Type": kind, "Creator": author, "Created": created, "text": text })
    };
    RequestTracker {
        tickets: vec![
            ticket(
                "71",
                json!({ "Subject": "Zoë's <b>printer</b>", "Status": "open", "Priority": "100", "Owner": dana, "Due": "2031-01-02T03:04:05Z" }),
            ),
            ticket(
                "72",
                json!({ "Subject": "Desks", "Status": "resolved", "Priority": "0", "Resolved": "2026-01-03T03:04:05Z" }),
            ),
        ],
        transactions: vec![
            said("71", "3", "Create", &zoe, "It does not work."),
            said("71", "4", "Comment", &dana, "Upset."),
            said("71", "5", "Correspond", &dana, "We are on it."),
            said("72", "3", "Create", &zoe, "Which color?"),
        ],
    }
}
