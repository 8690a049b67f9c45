//! Values that stand in a request only where something is given.

use super::*;

fn argument(name: &str) -> Expression {
    Expression::Argument(vec![Arc::from(name)])
}

fn quoted(text: &str) -> Expression {
    Expression::Quoted(Arc::new(QuotedTemplate::parse(Dialect::Soql, text, None, None).unwrap()))
}

fn clause(name: &str, text: &str) -> Expression {
    Expression::Given {
        of: Box::new(argument(name)),
        then: Box::new(quoted(text)),
        otherwise: None,
    }
}

#[test]
fn a_clause_stands_only_where_its_argument_is_given() {
    let query = Expression::Join {
        list: Box::new(Expression::List(vec![
            quoted("SELECT Id FROM Case"),
            clause("status", "WHERE Status IN ({args.status})"),
            clause("since", "AND CreatedDate >= {time args.since}"),
        ])),
        with: Arc::from(" "),
    };
    let text = |arguments: Value| query.evaluate(&given(&arguments).scope()).unwrap();
    assert_eq!(text(json!({})), "SELECT Id FROM Case");
    assert_eq!(text(json!({ "status": null })), "SELECT Id FROM Case");
    assert_eq!(
        text(json!({ "status": ["a", "it's"], "since": "2024-01-02T03:04:05+01:00" })),
        "SELECT Id FROM Case WHERE Status IN ('a', 'it\\'s') AND CreatedDate >= 2024-01-02T02:04:05Z"
    );
    assert_eq!(query.reads().len(), 2);
}

#[test]
fn an_item_that_is_not_given_is_no_item() {
    let item = |otherwise| Expression::Given {
        of: Box::new(argument("x")),
        then: Box::new(argument("x")),
        otherwise,
    };
    let list = Expression::List(vec![
        item(None),
        item(Some(Box::new(Expression::Constant(json!("none"))))),
        Expression::Constant(Value::Null),
    ]);
    let value = |arguments: Value| list.evaluate(&given(&arguments).scope()).unwrap();
    assert_eq!(value(json!({})), json!(["none", null]));
    assert_eq!(value(json!({ "x": 1 })), json!([1, 1, null]));
}

#[test]
fn a_bare_time_is_a_time_or_a_day_and_nothing_else() {
    let template = QuotedTemplate::parse(Dialect::Soql, "D > {time args.at}", None, None).unwrap();
    let render = |at: &str| template.render(&given(&json!({ "at": at })).scope());
    assert_eq!(render("2024-01-31").unwrap(), "D > 2024-01-31");
    assert_eq!(render("2024-01-31T00:00:00.5Z").unwrap(), "D > 2024-01-31T00:00:00.5Z");
    for wrong in ["", "TODAY", "2024-01-31 OR 1 = 1", "2024-13-01"] {
        assert!(render(wrong).is_err(), "{wrong}");
    }
    assert!(QuotedTemplate::parse(Dialect::Soql, "D > {time key.x}", None, None).is_err());
}

#[test]
fn a_fraction_of_a_second_counts_as_the_next_whole_one() {
    let unix = |text: &str| {
        let constant = Expression::Constant(json!(text));
        Expression::UnixSeconds(Box::new(constant)).evaluate(&given(&json!({})).scope()).unwrap()
    };
    assert_eq!(unix("1970-01-01T00:00:01Z"), 1);
    assert_eq!(unix("1970-01-01T00:00:01.001Z"), 2);
    assert_eq!(unix("1969-12-31T23:59:58.5Z"), -1);
}
