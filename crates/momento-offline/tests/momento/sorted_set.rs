use std::collections::HashMap;

use momento::cache::{
    ScoreBound, SortedSetAggregateFunction, SortedSetFetchByScoreRequest, SortedSetFetchResponse,
    SortedSetGetRankResponse, SortedSetGetScoreResponse, SortedSetGetScoresResponse,
    SortedSetLengthByScoreRequest, SortedSetLengthByScoreResponse, SortedSetLengthResponse,
    SortedSetOrder, SortedSetUnionStoreRequest,
};

use crate::world::{CACHE, World};

on_both_transports!(
    values_are_put_ranked_and_removed,
    a_range_of_ranks_or_scores_is_fetched,
    a_score_is_incremented,
    a_union_weighs_and_aggregates_its_sources,
);

async fn put(world: &World, set: &str, elements: &[(&str, f64)]) {
    let elements: Vec<(String, f64)> = elements
        .iter()
        .map(|(value, score)| ((*value).to_owned(), *score))
        .collect();
    let put = world.client.sorted_set_put_elements(CACHE, set, elements);
    put.await.unwrap();
}

fn values(fetched: SortedSetFetchResponse) -> Vec<(String, f64)> {
    fetched.try_into().unwrap()
}

async fn fetch(world: &World, set: &str) -> Vec<(String, f64)> {
    let fetched =
        world
            .client
            .sorted_set_fetch_by_rank(CACHE, set, SortedSetOrder::Ascending, None, None);
    values(fetched.await.unwrap())
}

async fn values_are_put_ranked_and_removed(world: World) {
    let client = &world.client;
    let missing = client.sorted_set_get_rank(CACHE, "s", "a").await.unwrap();
    assert_eq!(missing, SortedSetGetRankResponse::Miss);
    put(&world, "s", &[("a", 3.0), ("b", 1.5)]).await;
    client
        .sorted_set_put_element(CACHE, "s", "c", -2.0)
        .await
        .unwrap();
    let expected = [("c", -2.0), ("b", 1.5), ("a", 3.0)];
    assert_eq!(
        fetch(&world, "s").await,
        expected.map(|(value, score)| (value.to_owned(), score))
    );
    let rank = client.sorted_set_get_rank(CACHE, "s", "b").await.unwrap();
    assert_eq!(rank, SortedSetGetRankResponse::Hit { rank: 1 });
    let rank = client.sorted_set_get_rank(CACHE, "s", "x").await.unwrap();
    assert_eq!(rank, SortedSetGetRankResponse::Miss);
    let score = client.sorted_set_get_score(CACHE, "s", "b").await.unwrap();
    assert_eq!(score, SortedSetGetScoreResponse::Hit { score: 1.5 });
    let scores = client.sorted_set_get_scores(CACHE, "s", vec!["a", "x"]);
    let SortedSetGetScoresResponse::Hit { responses, .. } = scores.await.unwrap() else {
        panic!("the sorted set is there");
    };
    let hit = SortedSetGetScoreResponse::Hit { score: 3.0 };
    assert_eq!(responses, [hit, SortedSetGetScoreResponse::Miss]);

    client
        .sorted_set_remove_elements(CACHE, "s", vec!["b", "x"])
        .await
        .unwrap();
    let length = client.sorted_set_length(CACHE, "s").await.unwrap();
    assert_eq!(length, SortedSetLengthResponse::Hit { length: 2 });
    client
        .sorted_set_remove_elements(CACHE, "s", vec!["a", "c"])
        .await
        .unwrap();
    let length = client.sorted_set_length(CACHE, "s").await.unwrap();
    assert_eq!(length, SortedSetLengthResponse::Miss);
}

async fn a_range_of_ranks_or_scores_is_fetched(world: World) {
    let client = &world.client;
    put(
        &world,
        "s",
        &[("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)],
    )
    .await;
    let of = |fetched: SortedSetFetchResponse| -> Vec<String> {
        values(fetched)
            .into_iter()
            .map(|(value, _)| value)
            .collect()
    };
    for (order, start, end, expected) in [
        (SortedSetOrder::Ascending, Some(1), Some(3), vec!["b", "c"]),
        (SortedSetOrder::Descending, Some(0), Some(2), vec!["d", "c"]),
        (SortedSetOrder::Ascending, Some(-1), None, vec!["d"]),
    ] {
        let fetched = client.sorted_set_fetch_by_rank(CACHE, "s", order, start, end);
        assert_eq!(of(fetched.await.unwrap()), expected);
    }
    let by_score = SortedSetFetchByScoreRequest::new(CACHE, "s")
        .min_score(ScoreBound::Exclusive(1.0))
        .max_score(ScoreBound::Inclusive(4.0))
        .order(SortedSetOrder::Descending)
        .offset(1)
        .count(1);
    assert_eq!(of(client.send_request(by_score).await.unwrap()), ["c"]);
    let all = client.sorted_set_fetch_by_score(CACHE, "s", SortedSetOrder::Ascending);
    assert_eq!(of(all.await.unwrap()), ["a", "b", "c", "d"]);
    let between = SortedSetLengthByScoreRequest::new(CACHE, "s")
        .min_score(ScoreBound::Inclusive(2.0))
        .max_score(ScoreBound::Exclusive(4.0));
    assert_eq!(
        client.send_request(between).await.unwrap(),
        SortedSetLengthByScoreResponse::Hit { length: 2 }
    );
}

async fn a_score_is_incremented(world: World) {
    for (amount, expected) in [(1.5, 1.5), (-4.0, -2.5)] {
        let incremented = world
            .client
            .sorted_set_increment_score(CACHE, "s", "a", amount);
        let score = incremented.await.unwrap().score;
        assert!((score - expected).abs() < f64::EPSILON, "{score}");
    }
}

async fn a_union_weighs_and_aggregates_its_sources(world: World) {
    put(&world, "one", &[("a", 1.0), ("b", 2.0)]).await;
    put(&world, "two", &[("b", 3.0), ("c", 4.0)]).await;
    for (aggregate, b) in [
        (SortedSetAggregateFunction::Sum, 32.0),
        (SortedSetAggregateFunction::Min, 2.0),
        (SortedSetAggregateFunction::Max, 30.0),
    ] {
        let sources = vec![("one", 1.0), ("two", 10.0), ("none", 1.0)];
        let union = SortedSetUnionStoreRequest::new(CACHE, "union", sources).aggregate(aggregate);
        assert_eq!(world.client.send_request(union).await.unwrap().length, 3);
        let stored: HashMap<_, _> = fetch(&world, "union").await.into_iter().collect();
        let expected = [("a", 1.0), ("b", b), ("c", 40.0)];
        assert_eq!(stored, expected.map(|(v, s)| (v.to_owned(), s)).into());
    }
}
