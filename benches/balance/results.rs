//! All that is simulated, and what it comes to.

use crate::sizes::{Size, sizes};
use crate::story::{Casts, Story, tell};
use crate::sweep::{Placed, factors, replicas};
use crate::tables;
use crate::world::{Balancer, SESSIONS, World};

/// The bound that is told beside none, in hundredths.
const BOUND: u32 = 125;

/// Everything.
pub(crate) struct Results {
    pub(crate) chapters: Vec<Chapter>,
    /// Factors of the bound with popular keys, and with even ones.
    pub(crate) popular: Vec<Placed>,
    pub(crate) even: Vec<Placed>,
    /// Numbers of replicas, with popular keys.
    replicas: Vec<Placed>,
    /// Numbers of endpoints, with Maglev.
    sizes: Vec<Size>,
}

/// One world with every order.
pub(crate) struct Chapter {
    pub(crate) title: &'static str,
    pub(crate) stories: Vec<Story>,
}

impl Results {
    /// Simulates everything.
    pub(crate) fn new() -> Self {
        let even = World::even("Even keys, 20 endpoints", 20, &Balancer::ALL);
        let popular = World::popular("Popular keys, 20 endpoints");
        // As many as there can be in the smallest of Maglev's tables.
        let some = World::even("Even keys, 655 endpoints", 655, &[Balancer::Maglev]);
        let many = World::even("Even keys, 1,000 endpoints", 1000, &Balancer::KEYED);
        let weighted = World::weighted("Even keys, weights 1, 1, 2, 4");
        let ranking = Casts::new(&even, Balancer::Rendezvous).first;
        let by_room = Casts::new(&popular, Balancer::Rendezvous).first;
        Self {
            popular: factors(&popular, &by_room),
            even: factors(&even, &ranking),
            replicas: replicas(&popular, &by_room),
            sizes: sizes(),
            chapters: [even, popular, some, many, weighted]
                .map(Chapter::new)
                .into(),
        }
    }

    /// In Markdown.
    pub(crate) fn tables(&self) -> String {
        let chapter = |Chapter { title, stories }: &Chapter| {
            let (levels, moves) = (tables::levels(stories), tables::moves(stories));
            format!("\n### {title}\n\n{levels}\n{moves}")
        };
        let chapters: String = self.chapters.iter().map(chapter).collect();
        let sessions = thousands(SESSIONS);
        let factors = tables::factors(&self.popular, &self.even);
        let replicas = tables::replicas(&self.replicas);
        let sizes = tables::sizes(&self.sizes);
        format!(
            "{sessions} sessions.\n{chapters}\n\
             ### Factors, rendezvous, 20 endpoints\n\n{factors}\n\
             ### Replicas, rendezvous, 20 endpoints, popular keys, `bounded_load: 1.25`\n\n{replicas}\n\
             ### One leaves, maglev, even keys, by number of endpoints\n\n{sizes}"
        )
    }
}

impl Chapter {
    #[expect(clippy::needless_pass_by_value, reason = "a world is large, and over")]
    fn new(world: World) -> Self {
        let mut stories = Vec::new();
        for balancer in world.balancers {
            let casts = Casts::new(&world, *balancer);
            stories.push(tell(&world, &casts, None));
            if balancer.is_keyed() {
                stories.push(tell(&world, &casts, Some(BOUND)));
            }
        }
        Self {
            title: world.title,
            stories,
        }
    }
}

fn thousands(number: usize) -> String {
    format!(
        "{},{:03},{:03}",
        number / 1_000_000,
        number / 1000 % 1000,
        number % 1000
    )
}
