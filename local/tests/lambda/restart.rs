//! What of the mappings survives a restart with a data folder.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_restart_keeps_the_api_s_mappings_and_puts_the_template_s_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start_in(folder.path()).await;
    let template = world.uuid().await;
    world
        .update(&template, json!({ "BatchSize": 99 }), "Enabled")
        .await;
    let own = world
        .create(json!({ "FunctionName": "other", "BatchSize": 5 }))
        .await;
    world.put(0..20).await;
    world.settled().await;
    world
        .update(
            &own,
            json!({ "Enabled": false, "BatchSize": 6 }),
            "Disabled",
        )
        .await;
    world.embedded.shut_down().await;

    let world = World::start_in(folder.path()).await;
    let mapping = world.mapping(&template).await;
    assert_eq!(mapping["BatchSize"], 10, "as the template says");
    let mapping = world.mapping(&own).await;
    assert_eq!(
        (&mapping["BatchSize"], &mapping["State"]),
        (&json!(6), &json!("Disabled"))
    );
    world.put(20..30).await;
    world
        .update(&own, json!({ "Enabled": true }), "Enabled")
        .await;
    world.settled().await;
    for name in ["Mapping", &own] {
        let seen: usize = world.recording.of(name).values().map(Vec::len).sum();
        assert_eq!(seen, 10, "{name} continues at its checkpoints");
    }
    world.delete(&own).await;
    world.delete(&template).await;
    world.embedded.shut_down().await;

    let world = World::start_in(folder.path()).await;
    assert_eq!(
        world.uuid().await,
        template,
        "only the template's mapping is back"
    );
    world.settled().await;
    let seen: usize = world.recording.of("Mapping").values().map(Vec::len).sum();
    assert_eq!(seen, 30, "a deleted mapping's checkpoints are gone");
    world.embedded.shut_down().await;
}
