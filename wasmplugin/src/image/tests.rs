use serde_json::Value;

use super::hash::sha256;
use super::*;

const MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn build() -> BuildInfo {
    let json = json!({
        "module": sha256(MODULE),
        "source": "https://example.com/peergate",
        "revision": "0123",
        "changed": false,
        "optimizer": "wasm-opt version 108",
        "dependencies": [
            {"name": "peergate-filter", "version": "0.1.0", "license": "Apache-2.0", "checksum": ""},
            {"name": "serde", "version": "1.0.0", "license": "MIT OR Apache-2.0", "checksum": "abcd"},
        ],
    });
    BuildInfo::parse(json.to_string().as_bytes(), MODULE).unwrap()
}

fn image() -> Image {
    Image::from_module(MODULE, &build()).unwrap()
}

fn read(image: &Image, digest: &str) -> Value {
    serde_json::from_slice(&image.blobs[digest]).unwrap()
}

#[test]
fn the_last_layer_is_a_gzipped_tar_with_the_module_under_istios_file_name() {
    let image = image();
    let manifest = read(&image, image.digest().unwrap());
    assert_eq!(
        manifest["mediaType"],
        "application/vnd.oci.image.manifest.v1+json"
    );
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 1);
    assert_eq!(
        layers[0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+gzip"
    );
    let layer = &image.blobs[layers[0]["digest"].as_str().unwrap()];
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&layer[..]));
    let mut entries = archive.entries().unwrap();
    let mut entry = entries.next().unwrap().unwrap();
    assert_eq!(entry.path().unwrap().to_str(), Some("plugin.wasm"));
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
    assert_eq!(content, MODULE);
    assert!(entries.next().is_none());
}

#[test]
fn build_info_and_provenance_refer_to_the_image() {
    let image = image();
    let [of_image, sbom, provenance] = &image.manifests[..] else {
        panic!("{:?}", image.manifests);
    };
    for referring in [sbom, provenance] {
        let manifest = read(&image, &referring.digest);
        assert_eq!(manifest["subject"]["digest"], *of_image.digest);
        assert_eq!(
            manifest["artifactType"],
            *referring.artifact_type.as_ref().unwrap()
        );
    }
    let content = |manifest: &OciDescriptor| {
        let manifest = read(&image, &manifest.digest);
        read(&image, manifest["layers"][0]["digest"].as_str().unwrap())
    };
    let components = &content(sbom)["components"];
    assert_eq!(components[1]["purl"], "pkg:cargo/serde@1.0.0");
    assert_eq!(components[0]["purl"], Value::Null);
    let statement = content(provenance);
    assert_eq!(statement["subject"][0]["digest"]["sha256"], sha256(MODULE));
    assert_eq!(
        format!(
            "sha256:{}",
            statement["subject"][1]["digest"]["sha256"]
                .as_str()
                .unwrap()
        ),
        of_image.digest
    );
}

#[test]
fn a_layout_is_reproducible_and_reads_back_as_the_image() {
    let archive = to_tar(&image()).unwrap();
    assert_eq!(archive, to_tar(&image()).unwrap());
    let again = from_tar(&archive).unwrap();
    assert_eq!(again.digest(), image().digest());
    assert_eq!(again.blobs, image().blobs);
}

#[test]
fn refuses_a_layout_that_was_altered() {
    let image = image();
    let archive = to_tar(&image).unwrap();
    assert!(matches!(
        from_tar(b"no archive"),
        Err(InvalidLayout::Tar(_) | InvalidLayout::Missing(_))
    ));
    assert!(matches!(from_tar(&[]), Err(InvalidLayout::Missing(_))));
    let mut changed = image;
    for content in changed.blobs.values_mut() {
        content.push(b' ');
    }
    assert!(matches!(
        from_tar(&to_tar(&changed).unwrap()),
        Err(InvalidLayout::Digest(_))
    ));
    changed.blobs.clear();
    assert!(matches!(
        from_tar(&to_tar(&changed).unwrap()),
        Err(InvalidLayout::Missing(_))
    ));
    assert!(!archive.is_empty());
}

#[test]
fn refuses_the_build_info_of_another_module() {
    let json = json!({
        "module": "00", "source": "", "revision": "", "changed": true, "optimizer": "", "dependencies": [],
    });
    assert!(BuildInfo::parse(json.to_string().as_bytes(), MODULE).is_err());
    assert!(BuildInfo::parse(b"{}", MODULE).is_err());
}
