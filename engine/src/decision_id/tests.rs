use super::*;

fn record() -> DecisionRecord {
    DecisionRecord {
        reason: 8,
        time: 1_790_000_000,
        rule: Some(3),
        policy: "boutique/cartservice".into(),
        revision: Some("5f70bf18a086".into()),
        caller: RecordedCaller::Workload("spiffe://cluster.local/ns/boutique/sa/adservice".into()),
        method: Some(b"POST".to_vec()),
        path: Some(b"/hipstershop.CartService/AddItem".to_vec()),
        path_is_truncated: false,
        host: Some(b"cartservice:7070".to_vec()),
        port: Some(7070),
    }
}

fn bare() -> DecisionRecord {
    DecisionRecord {
        reason: 3,
        time: 0,
        rule: None,
        policy: record().policy,
        revision: None,
        caller: RecordedCaller::Anonymous,
        method: None,
        path: None,
        path_is_truncated: false,
        host: None,
        port: None,
    }
}

fn key() -> DecisionKey {
    DecisionKey::new([7; 32])
}

fn encode(record: &DecisionRecord, key: Option<&DecisionKey>) -> String {
    match key {
        Some(key) => record.seal(key),
        None => record.encode(),
    }
}

/// Decodes an ID; `key` belongs to the policy of the records here.
fn decode(id: &str, key: Option<DecisionKey>) -> Result<DecisionRecord, InvalidDecisionId> {
    match key {
        Some(key) => DecisionRecord::unseal(id, [(record().policy, key)]),
        None => DecisionRecord::decode(id),
    }
}

#[test]
fn decodes_what_it_encodes() {
    let malformed = DecisionRecord {
        caller: RecordedCaller::Malformed,
        port: Some(0),
        rule: Some(0),
        path: Some(b"/\xff".to_vec()),
        ..record()
    };
    let certificate = |names: &[&str]| DecisionRecord {
        caller: RecordedCaller::Certificate(names.join("\n")),
        ..record()
    };
    let records = [
        record(),
        bare(),
        malformed,
        certificate(&["dns:partner.example"]),
        certificate(&["uri:urn:a", "dns:partner.example", "subject:CN=7,O=Partner"]),
    ];
    for record in records {
        for key in [None, Some(key())] {
            let id = encode(&record, key.as_ref());
            assert_eq!(decode(&id, key), Ok(record.clone()));
        }
    }
}

#[test]
fn an_id_is_compact() {
    assert_eq!(record().encode().len(), 203);
    assert_eq!(record().seal(&key()).len(), 219);
    assert_eq!(bare().encode().len(), 42);
}

#[test]
fn limits_the_length_of_an_id() {
    let long = || Some(vec![b'x'; 100_000]);
    let record = DecisionRecord {
        method: long(),
        path: long(),
        host: long(),
        ..record()
    };
    let id = record.encode();
    assert!(id.len() < 1_600, "{}", id.len());
    let read = decode(&id, None).unwrap();
    assert_eq!(read.path.unwrap().len(), MAX_PATH_LEN);
    assert!(read.path_is_truncated);
}

#[test]
fn rejects_altered_ids() {
    for key in [None, Some(key())] {
        let id = encode(&record(), key.as_ref());
        let bytes = Base64UrlUnpadded::decode_vec(&id).unwrap();
        for position in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[position] ^= 1 << bit;
                let changed = Base64UrlUnpadded::encode_string(&changed);
                assert!(decode(&changed, key.clone()).is_err(), "{position} {bit}");
            }
        }
        for length in 0..id.len() {
            assert!(
                decode(id.get(..length).unwrap(), key.clone()).is_err(),
                "{length}"
            );
        }
        assert!(decode(&format!("{id}AAAA"), key.clone()).is_err());
    }
}

#[test]
fn rejects_ids_sealed_with_another_key() {
    let open = record().encode();
    let sealed = record().seal(&key());
    let other = DecisionKey::new([8; 32]);
    assert_eq!(
        decode(&open, Some(key())),
        Err(InvalidDecisionId::NotSealed)
    );
    assert_eq!(decode(&sealed, None), Err(InvalidDecisionId::NeedsKey));
    assert_eq!(
        decode(&sealed, Some(other)),
        Err(InvalidDecisionId::BadSeal)
    );
    assert_eq!(
        decode("Aw", Some(key())),
        Err(InvalidDecisionId::UnknownVersion)
    );
    assert_eq!(decode("Ag", Some(key())), Err(InvalidDecisionId::Malformed));
    assert_eq!(decode("", None), Err(InvalidDecisionId::Malformed));
    assert_eq!(
        decode("not base64!", None),
        Err(InvalidDecisionId::Malformed)
    );
    assert_eq!(decode("Aw", None), Err(InvalidDecisionId::UnknownVersion));
}

#[test]
fn derives_a_key_per_policy() {
    let key_of = |policy| key().for_policy(policy).to_base64();
    let (a, b) = (key_of("shop/a"), key_of("shop/b"));
    assert_ne!(a, b);
    assert_ne!(a, key().to_base64());
    let read = DecisionKey::from_base64(&a);
    assert_eq!(read.map(|key| key.to_base64()), Some(a));
    for length in [0, 3, 31, 33, 64] {
        let other = Base64UrlUnpadded::encode_string(&vec![0; length]);
        assert!(DecisionKey::from_base64(&other).is_none(), "{length}");
    }
    assert_eq!(format!("{:?}", key()), "DecisionKey { .. }");
}

/// Made by an independent implementation of the description in `key`.
const SEALED_RECORD: &str = concat!(
    "AiB60EKauiFwmwIGDdEdksA13gaotGhU7LXWofnOhb502gWIU2XIvYRD6F7FPKtJKtSARRYSE-WD1zwSm64VUSiIau",
    "7zBfxObM7GkMLVYTwY8Fk471v9E4CU5c98gJwjS2Nwk3UinuaKVgOPLZRmF4_sphnpwBMvY7PR7pPo69KwevD_lOxp",
    "aOVjK0PEC0nAkQ_QvX5wZc8SyfPPyXyDQA9PBes",
);

#[test]
fn seals_as_specified() {
    assert_eq!(record().seal(&key()), SEALED_RECORD);
    assert_eq!(decode(SEALED_RECORD, Some(key())), Ok(record()));
}

#[test]
fn a_sealed_id_reveals_only_its_length() {
    let sealed =
        |record: &DecisionRecord| Base64UrlUnpadded::decode_vec(&record.seal(&key())).unwrap();
    let one = sealed(&record());
    let other = sealed(&DecisionRecord {
        time: record().time + 1,
        ..record()
    });
    assert_eq!(one.len(), other.len());
    let alike = one.iter().zip(&other).filter(|(one, other)| one == other);
    // The first byte, and by chance about one in 256 of the others.
    assert!(alike.count() < 10);
}

/// The filters of a policy, and anyone who reads their configuration, have only the key of that
/// policy.
#[test]
fn rejects_an_id_that_names_another_policy() {
    let keys =
        || ["shop/a", "boutique/cartservice"].map(|name| (name.to_owned(), key().for_policy(name)));
    let [(_, of_a), (_, of_cart)] = keys();
    assert_eq!(
        DecisionRecord::unseal(&record().seal(&of_cart), keys()),
        Ok(record())
    );
    let forged = record().seal(&of_a);
    assert_eq!(
        DecisionRecord::unseal(&forged, keys()),
        Err(InvalidDecisionId::BadSeal)
    );
}

#[test]
fn records_the_first_names_of_a_certificate() {
    let names = "dns:partner.example\n".repeat(64);
    let long = DecisionRecord {
        caller: RecordedCaller::Certificate(names.clone()),
        ..record()
    };
    let read = decode(&encode(&long, None), None).unwrap();
    let RecordedCaller::Certificate(kept) = read.caller else {
        panic!("no certificate");
    };
    assert_eq!(kept.len(), MAX_PATH_LEN);
    assert!(names.starts_with(&kept));
}
