//! Credentials toward a backend, the same in vendor files and for a role of the deployment.

use super::{Kind, Rule, Shape, default, optional, required};

pub(super) static AUTH_NONE: Kind = Kind::Word(&["none"]);
pub(super) static AUTH: Kind = Kind::Struct(&AUTH_SHAPE);

static AUTH_SHAPE: Shape = Shape {
    name: "auth",
    doc: "Credentials toward a backend: one of these, or `none`.",
    keys: &[
        optional("bearer", Kind::Text("token"), "A bearer token."),
        optional("basic", Kind::Struct(&BASIC), "User and password."),
        optional("header", Kind::Struct(&PAIR), "A secret header."),
        optional("query", Kind::Struct(&PAIR), "A secret query parameter."),
        optional("username_token", Kind::Struct(&USERNAME_TOKEN), "WS-Security, for SOAP."),
        optional(
            "token_passport",
            Kind::Struct(&TOKEN_PASSPORT),
            "The token passport of NetSuite's SOAP service, signed for every request.",
        ),
        optional(
            "client_credentials",
            Kind::Struct(&CLIENT_CREDENTIALS),
            "An access token that is got, and renewed, with these (OAuth 2.0).",
        ),
    ],
    rules: &[Rule::Exactly(&[
        "bearer",
        "basic",
        "header",
        "query",
        "username_token",
        "token_passport",
        "client_credentials",
    ])],
};

static TOKEN_PASSPORT: Shape = Shape {
    name: "token_passport",
    doc: "Token-based authentication of NetSuite's SOAP service.",
    keys: &[
        required("version", Kind::Text("version"), "The service's version: `2017_2`."),
        required("account", Kind::Text("text"), "The account."),
        required("consumer_key", Kind::Text("text"), "The integration's key."),
        required("consumer_secret", Kind::Text("text"), "The integration's secret; never sent."),
        required("token", Kind::Text("text"), "The token's id."),
        required("token_secret", Kind::Text("text"), "The token's secret; never sent."),
    ],
    rules: &[],
};

static BASIC: Shape = Shape {
    name: "basic",
    doc: "User and password.",
    keys: &[
        required("user", Kind::Text("text"), "The user."),
        required("password", Kind::Text("text"), "The password; may be empty."),
    ],
    rules: &[],
};

static PAIR: Shape = Shape {
    name: "secret_pair",
    doc: "A name and its secret value.",
    keys: &[
        required("name", Kind::Text("name"), "The header or parameter."),
        required("value", Kind::Text("text"), "Its value."),
    ],
    rules: &[],
};

static USERNAME_TOKEN: Shape = Shape {
    name: "username_token",
    doc: "A WS-Security UsernameToken.",
    keys: &[
        required("user", Kind::Text("text"), "The user."),
        required("password", Kind::Text("text"), "The password."),
        default("digest", Kind::Bool, "true", "Whether a digest is sent in place of the password."),
    ],
    rules: &[],
};

static CLIENT_CREDENTIALS: Shape = Shape {
    name: "client_credentials",
    doc: "What an access token is got with, by the client credentials grant of OAuth 2.0. It is kept until shortly before it ends, and got \
          anew when the backend refuses it (401).",
    keys: &[
        required("token_url", Kind::Text("URL"), "Where it is got."),
        required("client_id", Kind::Text("text"), "The client."),
        required("client_secret", Kind::Text("text"), "Its secret."),
        optional("scope", Kind::Text("text"), "What it is for, in words between spaces."),
        default(
            "credentials",
            Kind::Word(&["header", "body"]),
            "header",
            "Where client and secret are sent: in the `Authorization` header, or in the body.",
        ),
    ],
    rules: &[],
};
