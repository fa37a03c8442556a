"""Every public class, once: the conformance tests take them from here."""

import keras
import numpy as np
import pandas as pd

import mtl_keras as mtl
from mtl_keras import architectures, backbones, balancers, features, tasks

TASKS = [
    tasks.Binary("left", class_weight="balanced", calibration="isotonic", set=0.8),
    tasks.Multiclass("segment", calibration="temperature", set=0.95),
    tasks.Multilabel("likes", labels=("likes_tea", "likes_jam")),
    tasks.Regression("spend", transform="log1p", unit="pounds", interval=0.8),
    tasks.Regression("balance", column="account balance (£)"),
    tasks.Regression("paid", loss="poisson", interval=0.9),
    tasks.Count("visits", interval=0.9),
    tasks.Quantiles("score", levels=(0.1, 0.5, 0.9), unit="points", interval=0.9),
    tasks.Ordinal("size", classes=("small", "medium", "large"), set=0.9),
    tasks.ZeroInflatedLogNormal("gift", interval=0.9),
]
FEATURES = [
    features.Numeric("age"),
    features.Numeric("age", scaling="robust"),
    features.Numeric("age", scaling="quantile"),
    features.Categorical("town"),
    features.Boolean("member"),
    features.Date("joined"),
    features.Text("note", encoder={"kind": "lstm", "units": 4, "bidirectional": True}, dimension=4),
    features.Vector("embedding", 3),
    features.Categories("genres"),
    features.Categories("genres", encoding="embedding", dimension=4),
    features.Sequence("prices", encoder={"kind": "gru", "units": 4}),
    features.Sequence("pages", encoder="pooling", separator="/", dimension=4),
    features.Image("photo", encoder={"kind": "cnn", "filters": [4], "units": 4}),
]
BACKBONES = [
    backbones.Pooling(),
    backbones.LSTM(units=4, bidirectional=True),
    backbones.GRU(units=4, pooling="last"),
    backbones.Convolution(filters=4, windows=(2, 3)),
    backbones.get(["pooling", {"kind": "gru", "units": 4}], "sequences"),
    backbones.Transformer(depth=1, heads=2, units=8),
    backbones.CNN(filters=(4, 4), units=8),
    backbones.KerasLayer(layer=keras.layers.Dense(4)),
    backbones.Pretrained(layer=keras.Sequential([keras.layers.Dense(3)])),
]
BALANCERS = [
    balancers.Fixed(),
    balancers.Uncertainty(learning_rate=0.01),
    balancers.ScaleInvariant(),
    balancers.GLS(),
    balancers.RLW(seed=3),
    balancers.UWSO(temperature=2.0),
    balancers.DWA(temperature=1.0),
    balancers.IMTLL(learning_rate=0.01),
    balancers.FAMO(weight_decay=0.01),
    balancers.STCH(warmup_epochs=1),
    balancers.DST(weights={"stagnancy": 1.0, "floor": 1.0}),
    balancers.GradNorm(alpha=1.0),
    balancers.MGDA(normalisation="l2", gradients="representation"),
    balancers.PCGrad(seed=2),
    balancers.GradVac(beta=0.5),
    balancers.GradDrop(leak=0.1),
    balancers.CAGrad(c=0.4),
    balancers.IMTLG(update_every=2),
    balancers.IMTL(learning_rate=0.01),
    balancers.NashMTL(clip_norm=10.0),
    balancers.FairGrad(alpha=1.5),
    balancers.AlignedMTL(scale="median"),
    balancers.ConFIG(scale_heads=True),
    balancers.UPGrad(regularisation=1e-3),
    balancers.DualProj(gradients="last_layer"),
    balancers.DBMTL(beta=0.5),
    balancers.MoCo(rho=0.1),
    balancers.MoDo(gamma=0.01),
    balancers.SDMGrad(strength=0.5),
    balancers.CRMOGM(balancer=balancers.CAGrad(c=0.4), alpha=0.5),
    balancers.GradientSimilarity(weighted=False),
    balancers.ExcessMTL(step_size=0.02),
]
PLAIN = {"members": 1, "number_embedding": "none", "dropout": 0.3}
ARCHITECTURES = [
    architectures.SharedBottom(layers=(16,), tower=(8,), skip=True, **PLAIN),
    architectures.SingleTask(layers=(8,), number_embedding="periodic", members=1),
    architectures.OMoE(experts=2, layers=(8,), members=2),
    architectures.MMoE(experts=2, layers=(8,), tower=(4,), gate_dropout=0.2, bins=8),
    architectures.CGC(layers=(8,), tower=(4,), members=2),
    architectures.PLE(layers=(8,), tower=(4,), temperature=2.0, **PLAIN),
    architectures.DSelectK(experts=3, layers=(8,), entropy=1e-3, conditional=True, members=2),
    architectures.CrossStitch(layers=(8, 8), own=0.8, members=2),
    architectures.Sluice(width=8, depth=1, orthogonality=1e-2, members=2),
    architectures.NDDR(layers=(8,), members=2),
    architectures.MTAN(layers=(8, 8), attention=4, normalisation="batch", members=1),
    architectures.AITM(layers=(8,), tower=(8,), members=2),
    architectures.ESMM(layers=(8,), members=2),
    architectures.STEM(layers=(8,), tower=(4,), members=2),
    architectures.SoftSharing(layers=(8,), penalty="trace", strength=0.01, members=2),
    architectures.Adapters(layers=(8,), residual=True, normalisation="layer", members=2),
    architectures.Grouped(layers=(8,), tower=(4,), members=2),
    architectures.LoRA(layers=(8,), rank=2, members=2),
    architectures.MTLLoRA(layers=(8,), rank=2, ups=2, freeze=True, members=2),
    architectures.HoME(layers=(8,), rank=2, tower=(), members=1),
    architectures.PEPNet(layers=(8,), gate=4, members=2),
    architectures.LearningToBranch(layers=(8, 8), branches=2, explore=9, warmup=3, members=2),
]
CHAINS = (architectures.AITM, architectures.ESMM)  # for binary tasks only


def table(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """A shop's customers: every kind of column and label, with gaps, odd names and odd values."""
    random = np.random.default_rng(seed)
    age = random.normal(45, 12, rows).round(1)
    town = random.choice(["Ely", "Bath", "Wells, Somerset", "Ürüm"], rows, p=[0.4, 0.3, 0.2, 0.1])
    member = random.choice(["yes", "no"], rows)
    score = (age - 45) / 12 + (town == "Ely") - (member == "yes")
    joined = pd.Timestamp("2020-01-31") + pd.to_timedelta(random.integers(0, 900, rows), "D")
    spend = np.where(random.random(rows) < 0.4, 0, np.exp(score + random.normal(0, 0.5, rows) + 2))
    made = pd.DataFrame(
        {
            "id": np.arange(1000, 1000 + rows),
            "age": age,
            "town": town,
            "member": member,
            "joined": joined.strftime("%Y-%m-%d"),
            "class": random.choice(["1st", "2nd"], rows),
            "country": "UK",
            "left": np.where(score + random.normal(size=rows) > 0.3, "yes", "no"),
            "segment": pd.cut(score, [-np.inf, -0.7, 0.7, np.inf], labels=["c", "a", "b"]),
            "likes_tea": (score > 0.2).astype(float),
            "likes_jam": random.choice(["yes", "no"], rows),
            "spend": spend.round(2),
            "account balance (£)": 1000 * score + random.normal(0, 300, rows) - 5000,
            "paid": (spend * 3).round(2),
            "visits": random.poisson(np.exp(0.6 * score)),
            "score": score + random.normal(0, 0.3, rows),
            "size": pd.cut(
                score, [-np.inf, -0.5, 0.5, np.inf], labels=["small", "medium", "large"]
            ),
            "gift": (spend * np.exp(random.normal(0, 0.3, rows))).round(2),
        }
    ).astype({"segment": object, "size": object})
    for column in ("age", "town", "member", "joined", *made.columns[7:]):
        gaps = random.random(rows) < 0.15
        made[column] = made[column].astype(object).where(~gaps, None)
    made["age"] = made["age"].astype(float)
    return made


def rich_table(rows: int = 120, seed: int = 0) -> pd.DataFrame:
    """`table` with texts, pictures, vectors, sets and sequences beside it, with gaps."""
    made, random = table(rows, seed), np.random.default_rng(seed)
    visits = made["visits"].fillna(0).astype(int)
    words = ["good", "bad", "tea", "don't", "Überraschung", "🙂", "never"]
    made["note"] = [" ".join(random.choice(words, 1 + n)) + "!" for n in visits]
    made["embedding"] = list(random.normal(size=(rows, 3)).astype("float32"))
    made["genres"] = [", ".join(set(random.choice(["jazz", "folk", "pop"], 1 + n))) for n in visits]
    made["prices"] = [random.normal(5, 2, n).round(2).tolist() for n in visits]
    made["pages"] = ["/".join(random.choice(["home", "cart", "help"], 1 + n)) for n in visits]
    made["photo"] = list(random.integers(0, 256, (rows, 6, 5), np.uint8))
    for column in ("note", "embedding", "genres", "prices", "pages", "photo"):
        made.loc[random.random(rows) < 0.1, column] = None
    return made


def experiment(**changes) -> mtl.Experiment:
    """An experiment over `table`, small enough for a test."""
    declared = {
        "tasks": TASKS,
        "features": "infer",
        "architecture": ARCHITECTURES[0],
        "balancer": "uncertainty",
        "split": mtl.Split(stratify="left"),
        "training": mtl.Training(epochs=8, batch_size=32, learning_rate=0.01),
        "name": "shop",
    }
    return mtl.Experiment(**{**declared, **changes})
